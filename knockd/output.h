// SPDX-License-Identifier: GPL-2.0-or-later
// Output: the channels of knockd's lines (spec/knockd.md 6.3 and 6.4).
#pragma once
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/log/logger.h"

namespace latchkey::knockd {

/// Bits for Output::say.
enum Channels : unsigned {
  with_verbose = 1,  ///< standard output with -v
  with_debug = 2,    ///< standard output with -D
  to_error = 4,      ///< standard error
  to_log = 8,        ///< log file and syslog
};

class Output {
 public:
  struct Options {
    bool is_verbose = false;
    bool is_debug = false;
  };
  /// `clock` outlives this object.
  Output(Options options, const Clock& clock);

  /// One line. Standard output is not written twice when -v and -D are both given. In the log, control bytes are
  /// escaped and lines are cut to 1023 bytes.
  void say(unsigned channels, std::string_view text);
  bool is_debug() const { return options_.is_debug; }

  /// Sinks as they are from now on; an empty path is no log file. Error: strerror's text; syslog is set up all the
  /// same.
  Result<void> open_log(const std::string& log_file, bool uses_syslog);
  /// For the few lines before open_log: to syslog alone.
  void log_to_syslog_once(std::string_view text);

 private:
  Options options_;
  const Clock& clock_;
  log::Logger logger_;
};

}  // namespace latchkey::knockd
