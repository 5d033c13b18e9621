// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor, on what the sensor tells: lines, openings, one-time sequences.
#include <fmt/format.h>

#include <cerrno>

#include "knockd/filter_text.h"
#include "knockd/monitor.h"
#include "knockd/sequence.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

std::string_view flag_name(std::uint8_t bit) {
  for (const FlagName& flag : flag_names())
    if (flag.bit == bit) return flag.name;
  return "?";
}

std::string format_packet(const PacketSeen& seen) {
  const WallTime time{std::chrono::microseconds(seen.time_us)};
  return fmt::format(texts::packet, format_local_time(time, "%Y-%m-%d %H:%M:%S"),
                     net::format_protocol(seen.hit.protocol), net::format_ip_address(seen.source), seen.source_port,
                     net::format_ip_address(seen.destination), seen.hit.port, seen.wire_length_bytes);
}

}  // namespace

/// The door of a report, if such a source can have been there; a sensor that has been taken over may say anything.
const Door* Monitor::find_door(DoorIndex index, const net::IpAddress& source) const {
  if (index >= config_.doors.size()) return nullptr;
  const Door& door = config_.doors[index];
  if (door.lock.sequence.empty()) return nullptr;
  if (door.lock.target && door.lock.target->is_v6() != source.is_v6()) return nullptr;
  return &door;
}

void Monitor::take_reports(const std::vector<SensorReport>& reports) {
  for (const SensorReport& report : reports) {
    const auto* opened = std::get_if<Opened>(&report);
    // What a command writes comes behind the lines before it.
    output_.hold_lines(opened == nullptr);
    if (opened != nullptr) {
      take_opening(*opened);
    } else {
      write_report(report);
    }
  }
  output_.hold_lines(false);
}

void Monitor::write_report(const SensorReport& report) {
  const auto say_of_door = [this](DoorIndex index, const net::IpAddress& source, std::string_view format,
                                  std::uint32_t stage) {
    const Door* const door = find_door(index, source);
    if (door == nullptr) return;
    output_.say_of(with_verbose | to_log, source, [format, stage, name = door->name](const std::string& shown) {
      return fmt::format(fmt::runtime(format), shown, name, stage);
    });
  };
  std::visit(Overloaded{
                 [&](const StageReached& r) {
                   if (names_ && r.stage == 1) names_->look_up(r.source);
                   say_of_door(r.door, r.source, texts::stage, r.stage);
                 },
                 [&](const Opened&) {},  // take_reports
                 [&](const TimedOut& r) { say_of_door(r.door, r.source, texts::sequence_timeout, r.stage); },
                 [&](const Removed& r) {
                   const std::string source = net::format_ip_address(r.source);
                   output_.say(with_debug, r.was_successful ? fmt::format(texts::removing_successful, source)
                                                            : fmt::format(texts::removing_failed, source));
                 },
                 [&](const FlagUnmet& r) {
                   output_.say(with_debug, fmt::format(texts::flag_unmet, r.must_be_set ? "" : "!", flag_name(r.bit)));
                 },
                 [&](const Evicted&) {
                   if (const auto suppressed = eviction_limit_.admit(clock_.monotonic()))
                     output_.say(to_log, fmt::format(texts::too_many_attempts, *suppressed + 1));
                 },
                 [&](const PacketSeen& r) { output_.say(with_debug, format_packet(r)); },
             },
             report);
}

void Monitor::take_opening(const Opened& opened) {
  const Door* const door = find_door(opened.door, opened.source);
  if (door == nullptr) return;
  output_.say_of(with_verbose | to_log, opened.source,
                 [name = door->name](const std::string& shown) { return fmt::format(texts::opened, shown, name); });
  if (!door->lock.is_one_time) return workers_->open(*door, opened.source);
  // The sequence is used up on the disk before anybody gets in by it.
  const auto used = use_one_time_sequence(opened.door);
  if (!used && used.error().os_code != ESTALE) {
    output_.say(to_error | to_log, fmt::format(texts::mark_failed, door->name));
    return disable_door(opened.door);
  }
  if (used) {
    workers_->open(*door, opened.source);
  } else {
    output_.say(to_error | to_log, fmt::format(texts::withdrawn_sequence, door->name));
  }
  load_next_sequence(opened.door);
}

/// ESTALE: the administrator has taken it out of the file.
Result<void> Monitor::use_one_time_sequence(DoorIndex index) {
  const auto& source = config_.one_time[index];
  if (!source) return fail(os_error("", ENOENT));
  if (!source->current) return {};
  return source->file.mark_used(*source->current);
}

void Monitor::load_next_sequence(DoorIndex index) {
  Door& door = config_.doors[index];
  auto scan = config_.one_time[index]->file.scan();
  if (!scan || !scan->first) {
    output_.say(to_error | to_log, fmt::format(texts::no_more_sequences, door.name));
    return disable_door(index);
  }
  door.lock.sequence = scan->first->sequence;
  config_.one_time[index]->current = std::move(scan->first);
  output_.say(with_debug, fmt::format(texts::new_sequence, door.name, format_sequence(door.lock.sequence)));
  send_sequence(index);
  write_filters();
}

/// Once a reload has sent other doors, the place of this one is another's; take_new_config() looks after it.
void Monitor::send_sequence(DoorIndex index) {
  if (sensor_ && !coming_config_) sensor_->send_sequence({index, config_.doors[index].lock.sequence});
}

void Monitor::disable_door(DoorIndex index) {
  config_.doors[index].lock.sequence.clear();
  send_sequence(index);
  write_filters();
}

void Monitor::write_filters() {
  if (!output_.is_debug()) return;
  for (const Family family : {Family::v4, Family::v6}) {
    for (const Door& door : config_.doors)
      if (const auto text = format_filter(door.lock, local_addresses_, family))
        output_.say(with_debug, fmt::format(texts::filter_of_door, door.name, *text));
  }
}

}  // namespace latchkey::knockd
