// SPDX-License-Identifier: GPL-2.0-or-later
// knockd.conf as values, and what there is to say about the file (spec/knockd.md 2).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/diagnostic.h"
#include "knockd/door.h"
#include "knockd/one_time.h"

namespace latchkey::knockd {

/// The sequences of a one-time door; one for a file opened at reading.
struct OneTimeSource {
  OneTimeFile file;
  /// The line in use; nullopt: a `Sequence` directive rules until the first opening.
  std::optional<OneTimeLine> current;
};

struct Config {
  bool uses_syslog = false;
  std::optional<std::string> log_file;  ///< empty text: none
  std::optional<std::string> pid_file;
  std::optional<std::string> interface;  ///< absent too when the reader was told that there is one already
  std::vector<Door> doors;               ///< without disabled ones
  /// Parallel to `doors`; null for doors without.
  std::vector<std::shared_ptr<OneTimeSource>> one_time;
};

/// A line that reading wants written, in order.
struct Note {
  enum class Kind {
    debug,     ///< standard output with -D
    report,    ///< standard error; about a line of a one-time file
    warning,   ///< standard error and log
    disabled,  ///< standard error and log: one door is left out
    error,     ///< standard error: the file is refused; always the last note
  };
  Kind kind = Kind::debug;
  config::Place place;
  std::string text;           ///< as the program prints it
  std::string reason;         ///< without the words around it, for --test-config
  std::string log_text;       ///< what 0.8 logs of an error while it reads; empty: nothing
  bool is_syslog_on = false;  ///< UseSyslog stood before this place
};

struct ReadOptions {
  bool has_interface = false;   ///< Interface directives are ignored
  bool becomes_daemon = false;  ///< relative paths are worth a warning
  bool wants_debug = true;      ///< notes of the kind debug
  bool opens_files = true;      ///< off: one-time files stay closed, their doors have no sequence
};

struct ConfigReading {
  std::vector<Note> notes;
  std::optional<Config> config;  ///< nullopt: the last note is the error
};

ConfigReading read_config(const std::string& path, const ReadOptions& options);

}  // namespace latchkey::knockd
