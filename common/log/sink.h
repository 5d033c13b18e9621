// SPDX-License-Identifier: GPL-2.0-or-later
// Where log lines go: a stream, a file, syslog.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/log/level.h"

namespace latchkey::log {

/// One call, one line. `text` is escaped already and has no line end; it may hold newlines that the format had.
/// A sink never throws and never blocks the caller for long; a line that cannot be written is lost.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(Level level, std::string_view text) = 0;
  /// From hold(true) to hold(false), a few lines at a time may be written together.
  virtual void hold(bool) {}
};

/// Writes lines to a descriptor that somebody else owns: one call a line, while held one for as many as a pipe takes
/// whole, so that lines of several processes do not mix. There is nowhere to report a failure to.
class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}
  ~LineWriter() { flush(); }
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  void write(std::string_view line);
  void hold(bool is_held);

 private:
  void flush();

  int fd_;
  bool is_held_ = false;
  std::string waiting_;
};

/// "TEXT\n" to a descriptor that somebody else owns (standard output or error).
class StreamSink final : public Sink {
 public:
  explicit StreamSink(int fd) : lines_(fd) {}
  void write(Level level, std::string_view text) override;
  void hold(bool is_held) override { lines_.hold(is_held); }

 private:
  LineWriter lines_;
};

/// knockd's log file: "[YYYY-MM-DD HH:MM] TEXT\n", local time (spec/knockd.md 6.4).
class FileSink final : public Sink {
 public:
  /// Opens for append, created 0666 less the umask. `clock` outlives the sink. Error: "PATH: REASON", errno.
  static Result<std::unique_ptr<FileSink>> open(const std::string& path, const Clock& clock);
  void write(Level level, std::string_view text) override;
  void hold(bool is_held) override { lines_.hold(is_held); }

 private:
  FileSink(Fd fd, const Clock& clock) : fd_(std::move(fd)), clock_(clock), lines_(fd_.get()) {}
  Fd fd_;
  const Clock& clock_;
  LineWriter lines_;
  std::int64_t shown_second_ = -1;
  std::string shown_time_;
};

/// syslog(3). One object a process at a time: the C library keeps one identity.
class SyslogSink final : public Sink {
 public:
  struct Options {
    std::string identity;
    int facility = 0;                  ///< LOG_DAEMON and the like
    bool with_pid = false;             ///< "NAME[PID]: "
    std::optional<Level> fixed_level;  ///< knockd sends everything at notice
  };
  explicit SyslogSink(Options options);
  ~SyslogSink() override;
  SyslogSink(const SyslogSink&) = delete;
  SyslogSink& operator=(const SyslogSink&) = delete;
  void write(Level level, std::string_view text) override;

 private:
  Options options_;
};

/// Keeps the lines, for tests.
class MemorySink final : public Sink {
 public:
  /// `lines` outlives the sink; each entry is the text of one line.
  explicit MemorySink(std::vector<std::string>& lines) : lines_(lines) {}
  void write(Level, std::string_view text) override { lines_.emplace_back(text); }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace latchkey::log
