// SPDX-License-Identifier: GPL-2.0-or-later
// Output: the channels of knockd's lines (spec/knockd.md 6.3 and 6.4).
#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/log/logger.h"
#include "common/net/address.h"

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
  /// A line about a knocker; `text` makes it from the source as it is shown. With names being looked up, the line and
  /// everything behind it wait for the answer, standard error excepted.
  void say_of(unsigned channels, const net::IpAddress& source, std::function<std::string(const std::string&)> text);
  bool is_debug() const { return options_.is_debug; }
  /// While held, lines of standard output and log file are written a few at a time. Not to be held while anything
  /// else happens that is seen outside: an error, a command.
  void hold_lines(bool is_held);

  /// Where names of sources come from (-l).
  struct SourceNames {
    std::function<bool(const net::IpAddress&)> is_pending;
    std::function<std::string(const net::IpAddress&)> show;
  };
  void use_names(SourceNames names) { names_ = std::move(names); }
  /// Writes the lines that waited for a name that is known now; all of them without `only_answered`.
  void write_held(bool only_answered);
  bool has_held() const { return !held_.empty(); }

  /// Sinks as they are from now on; an empty path is no log file. `line_between` comes when the old ones are closed and
  /// the file is not yet in use. Error: strerror's text; the old ones stay, where there are none syslog is set up.
  Result<void> open_log(const std::string& log_file, bool uses_syslog, std::string_view line_between = {});
  /// For the few lines before open_log: to syslog alone.
  void log_to_syslog_once(std::string_view text);

 private:
  struct Held {
    unsigned channels = 0;
    std::optional<net::IpAddress> source;
    std::function<std::string(const std::string&)> text;
  };
  void hold(Held line);
  void write(unsigned channels, std::string_view text);
  std::string show(const net::IpAddress& source) const;

  Options options_;
  const Clock& clock_;
  log::Logger logger_;
  log::StreamSink standard_output_;
  std::optional<SourceNames> names_;
  std::deque<Held> held_;
};

}  // namespace latchkey::knockd
