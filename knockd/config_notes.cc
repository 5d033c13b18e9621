// SPDX-License-Identifier: GPL-2.0-or-later
// Writing the notes of a configuration reading.
#include "knockd/config_notes.h"

#include <fmt/format.h>

#include <cstdio>

namespace latchkey::knockd {

void write_notes_at_start(const std::vector<Note>& notes, Output& output) {
  for (const Note& note : notes) {
    output.say(note.kind == Note::Kind::debug ? with_debug : to_error, note.text);
    if (!note.is_syslog_on) continue;
    if (!note.log_text.empty()) output.log_to_syslog_once(note.log_text);
    if (note.kind == Note::Kind::warning) output.log_to_syslog_once(note.text);
  }
}

void log_disabled_doors(const std::vector<Note>& notes, Output& output) {
  for (const Note& note : notes)
    if (note.kind == Note::Kind::disabled) output.say(to_log, note.text);
}

void write_notes_on_reload(const std::vector<Note>& notes, Output& output) {
  for (const Note& note : notes) {
    switch (note.kind) {
      case Note::Kind::debug:
        output.say(with_debug, note.text);
        break;
      case Note::Kind::report:
        output.say(to_error, note.text);
        break;
      case Note::Kind::warning:
      case Note::Kind::disabled:
        output.say(to_error | to_log, note.text);
        break;
      case Note::Kind::error:
        if (!note.log_text.empty() && note.log_text != note.text) output.say(to_log, note.log_text);
        output.say(to_error | to_log, note.text);
        break;
    }
  }
}

bool print_notes(const std::vector<Note>& notes) {
  bool is_good = true;
  for (const Note& note : notes) {
    if (note.kind == Note::Kind::debug) continue;
    const bool is_error = note.kind == Note::Kind::error;
    is_good = is_good && !is_error;
    const bool is_disabled = note.kind == Note::Kind::disabled;
    const config::Diagnostic diagnostic{is_error ? config::Severity::error : config::Severity::warning,
                                        note.place,
                                        note.reason + (is_disabled ? " --> disabling the door" : ""),
                                        {}};
    // A file that cannot be opened is its own place.
    fmt::print("{}\n", note.place.file ? config::format_diagnostic(diagnostic, false)
                                       : fmt::format("{}: {}", is_error ? "error" : "warning", note.reason));
  }
  return is_good;
}

}  // namespace latchkey::knockd
