// SPDX-License-Identifier: GPL-2.0-or-later
// Writing log lines to streams, files and syslog.
#include "common/log/sink.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

namespace latchkey::log {
namespace {

/// One write call a line, so that lines of several processes do not mix. There is nowhere to report a failure to.
void write_line(int fd, std::string line) {
  line += '\n';
  if (!write_all(fd, line)) return;
}

}  // namespace

void StreamSink::write(Level, std::string_view text) { write_line(fd_, std::string(text)); }

Result<std::unique_ptr<FileSink>> FileSink::open(const std::string& path, const Clock& clock) {
  // Non-blocking: a FIFO without a reader must not stop a daemon.
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666));
  if (!fd) return fail(os_error(path));
  return std::unique_ptr<FileSink>(new FileSink(std::move(fd), clock));
}

void FileSink::write(Level, std::string_view text) {
  std::string line = format_local_time(clock_.wall(), "[%Y-%m-%d %H:%M] ");
  line += text;
  write_line(fd_.get(), std::move(line));
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
