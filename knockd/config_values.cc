// SPDX-License-Identifier: GPL-2.0-or-later
// The setters of knockd.conf's directives (spec/knockd.md 2.3 to 2.6).
#include <fmt/format.h>

#include "common/base/text.h"
#include "common/log/escape.h"
#include "knockd/config_reader.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_interface_bytes = 31;

}  // namespace

void ConfigReader::warn_of_relative_path(std::string_view path) {
  if (!options_.becomes_daemon || path.empty() || path.starts_with('/')) return;
  warn(place_, fmt::format("\"{}\" is a relative path, and a daemon's folder is /", path));
}

void ConfigReader::set_log_file(std::string_view value) {
  config_.log_file = value;
  debug("config: log file: {}", value);
  warn_of_relative_path(value);
}

void ConfigReader::set_pid_file(std::string_view value) {
  config_.pid_file = value;
  debug("config: pid file: {}", value);
  warn_of_relative_path(value);
}

void ConfigReader::set_interface(std::string_view value) {
  if (options_.has_interface || (config_.interface && !config_.interface->empty())) return;
  const bool is_list = value.find(',') != std::string_view::npos;
  config_.interface = is_list ? value : log::cut_utf8(value, max_interface_bytes);
  debug("config: interface: {}", *config_.interface);
  if (config_.interface->size() < value.size())
    warn(place_, fmt::format("the name of the interface is cut to {} bytes", max_interface_bytes));
}

void ConfigReader::use_sequence(Sequence sequence) {
  forgive("sequence");
  draft().door.lock.sequence = std::move(sequence);
  debug("config: {}: sequence: {}", draft().door.name, format_sequence(draft().door.lock.sequence));
}

void ConfigReader::set_sequence(std::string_view value) {
  auto reading = parse_sequence(value);
  if (reading.error) return refuse_section(reading.error->reason, !reading.error->reason.starts_with("port "));
  draft().has_sequence = true;
  if (draft().one_time) draft().one_time->current.reset();
  if (reading.junk) return disable_door("sequence", reading.junk->reason);
  for (const Remark& warning : reading.warnings) warn(place_of(warning.offset_bytes), warning.reason);
  use_sequence(std::move(reading.value));
}

void ConfigReader::set_one_time_file(std::string_view value) {
  Draft& door = draft();
  door.door.lock.is_one_time = true;
  door.door.one_time_path = value;
  if (!options_.opens_files) {
    door.has_sequence = true;
    return;
  }
  auto file = OneTimeFile::open(door.door.one_time_path);
  if (!file) return refuse(file.error().text, place_);
  debug("config: {}: one time sequences file: {}", door.door.name, value);
  warn_of_relative_path(value);
  auto scan = file->scan();
  if (!scan) return refuse(scan.error().text, place_);
  for (const std::string& complaint : scan->complaints)
    note(Note::Kind::report, fmt::format(texts::config_section, door.door.name, complaint), complaint, place_);
  if (!scan->first) {
    debug(texts::no_more_in_file, value);
    const std::string text = fmt::format(texts::no_more_sequences, door.door.name);
    refuse(text, place_);
    reading_.notes.back().log_text = text;
    return;
  }
  door.has_sequence = true;
  debug(texts::new_sequence, door.door.name, format_sequence(scan->first->sequence));
  use_sequence(scan->first->sequence);
  door.one_time = std::make_shared<OneTimeSource>(OneTimeSource{std::move(file).value(), std::move(scan->first)});
}

void ConfigReader::set_timeout(std::string_view value, std::string_view name, std::int32_t& target) {
  const auto reading = parse_timeout(value);
  if (reading.junk) return disable_door(name, reading.junk->reason);
  forgive(name);
  for (const Remark& warning : reading.warnings) warn(place_of(warning.offset_bytes), warning.reason);
  target = reading.value;
  debug("config: {}: {}: {}", draft().door.name, name, target);
}

void ConfigReader::set_seq_timeout(std::string_view value) {
  set_timeout(value, "seq_timeout", draft().door.lock.seq_timeout_s);
}

void ConfigReader::set_seq_cooldown(std::string_view value) {
  set_timeout(value, "seq_cooldown", draft().door.lock.seq_cooldown_s);
}

void ConfigReader::set_cmd_timeout(std::string_view value) {
  set_timeout(value, "cmd_timeout", draft().door.cmd_timeout_s);
}

void ConfigReader::set_allow_duplicates(std::string_view value) {
  const std::string word = to_lower(value);
  const bool is_on = word == "yes" || word == "true" || word == "on" || word == "1";
  if (!is_on && word != "no" && word != "false" && word != "off" && word != "0")
    warn(place_, fmt::format("\"{}\" is read as no", value));
  draft().door.lock.allows_duplicates = is_on;
  debug("config: {}: allow_duplicates: {}", draft().door.name, is_on ? "yes" : "no");
}

void ConfigReader::set_tcp_flags(std::string_view value) {
  const std::string upper = to_upper(value);
  for (const std::string_view item : split(upper, ',')) {
    if (!add_tcp_flag(item, draft().door.lock.flags)) {
      place_ = place_of(static_cast<std::size_t>(item.data() - upper.data()));
      return refuse_line(fmt::format(texts::unknown_flag, item));
    }
    debug("config: tcp flag: {}", item);
  }
}

void ConfigReader::set_target(std::string_view value) {
  draft().door.lock.target = net::parse_ip_address(value);
  if (!draft().door.lock.target) return disable_door("target", fmt::format(texts::no_address, value));
  forgive("target");
  debug("config: {}: target: {}", draft().door.name, value);
}

void ConfigReader::set_command(std::string_view value, std::string_view name, std::optional<std::string>& target) {
  target = value;
  debug("config: {}: {}: {}", draft().door.name, name, value);
}

void ConfigReader::set_start_command(std::string_view value) {
  set_command(value, "start_command", draft().door.v4.start);
}

void ConfigReader::set_start_command_6(std::string_view value) {
  set_command(value, "start_command_6", draft().door.v6.start);
}

void ConfigReader::set_stop_command(std::string_view value) {
  draft().stop_place = place_;
  set_command(value, "stop_command", draft().door.v4.stop);
}

void ConfigReader::set_stop_command_6(std::string_view value) {
  draft().stop_place = place_;
  set_command(value, "stop_command_6", draft().door.v6.stop);
}

}  // namespace latchkey::knockd
