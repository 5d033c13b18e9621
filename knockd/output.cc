// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's lines to standard output, standard error, log file and syslog.
#include "knockd/output.h"

#include <syslog.h>
#include <unistd.h>

#include <memory>

#include "common/log/sink.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_log_bytes = 1023;
// Debian's package logs to "daemon"; the project's own releases log to "user".
constexpr int facility = LOG_DAEMON;

std::unique_ptr<log::Sink> make_syslog_sink() {
  return std::make_unique<log::SyslogSink>(log::SyslogSink::Options{
      .identity = "knockd", .facility = facility, .with_pid = false, .fixed_level = log::Level::notice});
}

}  // namespace

Output::Output(Options options, const Clock& clock) : options_(options), clock_(clock) {
  logger_.set_max_bytes(max_log_bytes);
}

void Output::say(unsigned channels, std::string_view text) {
  const bool is_shown =
      ((channels & with_verbose) != 0 && options_.is_verbose) || ((channels & with_debug) != 0 && options_.is_debug);
  if (is_shown) log::StreamSink(STDOUT_FILENO).write(log::Level::info, text);
  if ((channels & to_error) != 0) log::StreamSink(STDERR_FILENO).write(log::Level::error, text);
  if ((channels & to_log) != 0) logger_.write(log::Level::notice, log::escape_controls(text));
}

Result<void> Output::open_log(const std::string& log_file, bool uses_syslog) {
  logger_.remove_sinks();
  if (uses_syslog) logger_.add(make_syslog_sink());
  if (log_file.empty()) return {};
  auto sink = log::FileSink::open(log_file, clock_);
  if (!sink) return fail(os_error("", sink.error().os_code));
  logger_.add(std::move(sink).value());
  return {};
}

void Output::log_to_syslog_once(std::string_view text) {
  log::Logger logger;
  logger.set_max_bytes(max_log_bytes);
  logger.add(make_syslog_sink());
  logger.write(log::Level::notice, log::escape_controls(text));
}

}  // namespace latchkey::knockd
