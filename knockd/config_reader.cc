// SPDX-License-Identifier: GPL-2.0-or-later
// Reading knockd.conf: sections, checks of whole doors, notes. Debug lines and errors come in the order of the file.
#include "knockd/config_reader.h"

#include <fmt/format.h>

#include <set>

#include "common/base/text.h"
#include "common/log/escape.h"
#include "knockd/directives.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_section_name_bytes = 254;

using Entry = config::KnockdEntry;

/// "line 5"; with the file in front when it is an included one.
std::string format_line(const config::Place& place) {
  if (place.file && place.file->included_from.file) return fmt::format("{}: line {}", place.file->path, place.line);
  return fmt::format("line {}", place.line);
}

std::string_view path_of(const config::Place& place) { return place.file ? place.file->path : std::string_view(); }

}  // namespace

void ConfigReader::read(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (is_refused_) return;
    place_ = entry.place;
    take(entry);
  }
  if (!is_refused_) finish();
}

void ConfigReader::take(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::section:
      open_section(entry.text);
      break;
    case Entry::Kind::keyword:
      config_.uses_syslog = true;
      debug("config: usesyslog");
      break;
    case Entry::Kind::directive:
      apply_directive(entry);
      break;
    case Entry::Kind::outside_section:
      refuse_line(std::string(texts::outside_section));
      break;
    case Entry::Kind::bad_section_name:
      refuse_line(std::string(texts::bad_section_name));
      break;
    case Entry::Kind::syntax_error:
      refuse_line(std::string(texts::syntax_error));
      break;
  }
}

void ConfigReader::open_section(std::string_view name) {
  const std::string_view shown = log::cut_utf8(name, max_section_name_bytes);
  debug("config: new section: '{}'", shown);
  is_in_options_ = name == "options";
  if (is_in_options_ || name.empty()) return;
  drafts_.emplace_back();
  draft().place = place_;
  draft().door.name = log::cut_utf8(shown, max_door_name_bytes);
  if (draft().door.name.size() < name.size())
    warn(place_, fmt::format("the name of the door is cut to {} bytes", draft().door.name.size()));
}

void ConfigReader::apply_directive(const Entry& entry) {
  const SetDirective set = find_setter(entry.key, is_in_options_);
  if (set == nullptr) return refuse_line(std::string(texts::syntax_error));
  (this->*set)(entry.text);
}

void ConfigReader::finish() {
  std::set<std::string_view> names;
  for (const Draft& draft : drafts_) {
    if (!draft.has_sequence) {
      const std::string text = fmt::format(texts::empty_sequence, draft.door.name);
      note(Note::Kind::error, text, text, draft.place);
      is_refused_ = true;
      return;
    }
    if (!names.insert(draft.door.name).second)
      warn(draft.place, fmt::format("another door is named \"{}\", too", draft.door.name));
    check_door(draft);
  }
  for (Draft& draft : drafts_) {
    if (!draft.junk.empty()) continue;
    config_.doors.push_back(std::move(draft.door));
    config_.one_time.push_back(std::move(draft.one_time));
  }
}

void ConfigReader::check_door(const Draft& draft) {
  const auto does_something = [](const std::optional<std::string>& command) { return command && !command->empty(); };
  const Door& door = draft.door;
  const bool has_stop = does_something(door.v4.stop) || does_something(door.v6.stop);
  const bool has_start = does_something(door.v4.start) || does_something(door.v6.start);
  if (has_stop && !has_start) warn(draft.stop_place, "the stop command never runs, because there is no start command");
}

void ConfigReader::refuse(std::string text, const config::Place& place) {
  is_refused_ = true;
  note(Note::Kind::error, text, text, place);
}

ConfigReading ConfigReader::release() {
  if (!is_refused_) reading_.config = std::move(config_);
  return std::move(reading_);
}

void ConfigReader::note(Note::Kind kind, std::string text, std::string reason, const config::Place& place) {
  reading_.notes.push_back({.kind = kind,
                            .place = place,
                            .text = std::move(text),
                            .reason = std::move(reason),
                            .log_text = {},
                            .is_syslog_on = config_.uses_syslog});
}

std::string ConfigReader::warning_text(const config::Place& place, std::string_view reason) const {
  return fmt::format(texts::config_warning, format_line(place), reason, path_of(place), place.line, place.column);
}

void ConfigReader::warn(const config::Place& place, std::string reason) {
  std::string text = warning_text(place, reason);
  note(Note::Kind::warning, std::move(text), std::move(reason), place);
}

void ConfigReader::disable_door(std::string_view directive, std::string reason) {
  draft().junk[directive] = reading_.notes.size();
  std::string text = fmt::format(texts::config_disabled, format_line(place_), reason);
  note(Note::Kind::disabled, std::move(text), std::move(reason), place_);
}

void ConfigReader::forgive(std::string_view directive) {
  const auto found = draft().junk.find(directive);
  if (found == draft().junk.end()) return;
  Note& note = reading_.notes[found->second];
  note.kind = Note::Kind::warning;
  note.reason += "; a later line counts";
  note.text = warning_text(note.place, note.reason);
  draft().junk.erase(found);
}

void ConfigReader::refuse_line(std::string reason) {
  is_refused_ = true;
  std::string text = fmt::format(texts::config_line, format_line(place_), reason);
  note(Note::Kind::error, std::move(text), std::move(reason), place_);
}

void ConfigReader::refuse_section(std::string reason, bool is_logged) {
  is_refused_ = true;
  std::string text = fmt::format(texts::config_section, draft().door.name, reason);
  std::string log_text = is_logged ? fmt::format(texts::logged_section_error, draft().door.name, reason) : "";
  note(Note::Kind::error, std::move(text), std::move(reason), place_);
  reading_.notes.back().log_text = std::move(log_text);
}

config::Place ConfigReader::place_of(std::size_t offset_bytes) const {
  config::Place place = place_;
  place.column += static_cast<unsigned>(offset_bytes);
  return place;
}

namespace {

/// A pipe is empty at the second reading: a reload would lose every door.
std::string describe_failure(const config::SourceError& error) {
  if (error.kind != config::SourceError::Kind::not_regular) return error.text();
  if (error.os_code == EISDIR) return os_error(error.path, EISDIR).text;
  return error.text() + " (a pipe or device cannot be read again on reload)";
}

}  // namespace

ConfigReading read_config(const std::string& path, const ReadOptions& options) {
  ConfigReader reader(options);
  const auto entries = config::read_knockd_file(path);
  if (entries) {
    reader.read(*entries);
  } else if (const auto* source = std::get_if<config::SourceError>(&entries.error())) {
    reader.refuse(describe_failure(*source), source->from);
  } else {
    reader.refuse(std::get<Error>(entries.error()).text, {});
  }
  return reader.release();
}

}  // namespace latchkey::knockd
