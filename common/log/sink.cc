// SPDX-License-Identifier: GPL-2.0-or-later
// Writing log lines to streams, files and syslog.
#include "common/log/sink.h"

#include <fcntl.h>
#include <limits.h>
#include <syslog.h>
#include <unistd.h>

namespace latchkey::log {
void LineWriter::write(std::string_view line) {
  if (waiting_.size() + line.size() >= PIPE_BUF) flush();
  waiting_ += line;
  waiting_ += '\n';
  if (!is_held_) flush();
}

void LineWriter::hold(bool is_held) {
  is_held_ = is_held;
  if (!is_held) flush();
}

void LineWriter::flush() {
  if (!waiting_.empty() && !write_all(fd_, waiting_)) waiting_.clear();
  waiting_.clear();
}

void StreamSink::write(Level, std::string_view text) { lines_.write(text); }

Result<std::unique_ptr<FileSink>> FileSink::open(const std::string& path, const Clock& clock) {
  // Non-blocking: a FIFO without a reader must not stop a daemon.
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666));
  if (!fd) return fail(os_error(path));
  return std::unique_ptr<FileSink>(new FileSink(std::move(fd), clock));
}

void FileSink::write(Level, std::string_view text) {
  const WallTime now = clock_.wall();
  if (const std::int64_t second = to_epoch_seconds(now); second != shown_second_) {
    shown_second_ = second;
    shown_time_ = format_local_time(now, "[%Y-%m-%d %H:%M] ");
  }
  lines_.write(shown_time_ + std::string(text));
}

SyslogSink::SyslogSink(Options options) : options_(std::move(options)) {
  openlog(options_.identity.c_str(), options_.with_pid ? LOG_PID : 0, options_.facility);
}

SyslogSink::~SyslogSink() { closelog(); }

void SyslogSink::write(Level level, std::string_view text) {
  const int priority = static_cast<int>(options_.fixed_level.value_or(level)) | options_.facility;
  syslog(priority, "%.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace latchkey::log
