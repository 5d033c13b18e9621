// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor, on SIGHUP: the new file is read completely before anything of the old one goes (spec/knockd.md 7.1).
#include <fmt/format.h>

#include <map>

#include "knockd/config_notes.h"
#include "knockd/monitor.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

/// For each new door the old one that it continues: same name, same lock.
std::vector<std::optional<DoorIndex>> find_origins(const std::vector<Door>& old_doors,
                                                   const std::vector<Door>& new_doors) {
  std::multimap<std::string_view, DoorIndex> old_by_name;
  for (DoorIndex i = 0; i < old_doors.size(); ++i) old_by_name.emplace(old_doors[i].name, i);
  std::vector<std::optional<DoorIndex>> origins(new_doors.size());
  for (DoorIndex i = 0; i < new_doors.size(); ++i) {
    const auto [first, last] = old_by_name.equal_range(new_doors[i].name);
    for (auto entry = first; entry != last; ++entry) {
      if (old_doors[entry->second].lock != new_doors[i].lock) continue;
      origins[i] = entry->second;
      old_by_name.erase(entry);
      break;
    }
  }
  return origins;
}

}  // namespace

void Monitor::reload() {
  if (ending_status_) return;
  // One after the other: the sensor has to take the doors of the first one before.
  if (coming_config_) {
    is_reload_wanted_ = true;
    return;
  }
  output_.say(with_verbose | to_log, fmt::format(texts::rereading, options_.config_path));
  auto reading =
      read_config(options_.config_path,
                  {.has_interface = true, .becomes_daemon = options_.is_daemon, .wants_debug = options_.is_debug});
  write_notes_on_reload(reading.notes, output_);
  if (!reading.config) return;
  if (!sensor_) {
    coming_config_ = std::move(reading.config);
    return take_new_config();
  }
  const auto origins = find_origins(config_.doors, reading.config->doors);
  std::vector<DoorMessage> doors;
  for (DoorIndex i = 0; i < origins.size(); ++i) doors.push_back({reading.config->doors[i].lock, origins[i]});
  coming_config_ = std::move(reading.config);
  sensor_->send_doors(doors, writes_lines(*coming_config_));
}

/// The sensor works with the new doors from here on; its reports so far were about the old ones.
void Monitor::take_new_config() {
  if (!coming_config_) return;
  const std::string old_pid_file = pid_file();
  const std::string old_log_file = log_file();
  config_ = *std::exchange(coming_config_, std::nullopt);
  output_.say(with_verbose, fmt::format(texts::closing_log, log_file()));
  reopen_log(old_log_file);
  if (options_.is_daemon && pid_file() != old_pid_file) move_pid_file(old_pid_file);
  follow_addresses();
  write_filters();
  // A sequence may have been used up while the file was read. The sensor waits for the next one.
  for (DoorIndex i = 0; i < config_.doors.size(); ++i) {
    if (!config_.one_time[i] || !config_.one_time[i]->current) continue;
    const auto scan = config_.one_time[i]->file.scan();
    if (!scan || scan->first != config_.one_time[i]->current) load_next_sequence(i);
  }
  if (sensor_) sensor_->send_go_on();
  if (std::exchange(is_reload_wanted_, false)) reload();
}

void Monitor::reopen_log(const std::string& old_path) {
  // The line comes between the two files: only syslog can take it.
  const auto opened = output_.open_log(log_file(), config_.uses_syslog, fmt::format(texts::reopening_log, log_file()));
  if (opened) return;
  // A daemon that nobody hears is worse than one that writes where it used to.
  config_.log_file = old_path;
  output_.say(to_error | to_log, fmt::format(texts::no_log_file, opened.error().text));
}

void Monitor::move_pid_file(const std::string& old_path) {
  auto taken = os::PidFile::acquire(pid_file(), 0644);
  if (!taken) {
    output_.say(with_debug | to_log, fmt::format(texts::no_pid_file, pid_file(), taken.error().error.text));
    config_.pid_file = old_path;
    return;
  }
  if (pid_file_) pid_file_->remove();
  pid_file_ = std::move(*taken);
}

}  // namespace latchkey::knockd
