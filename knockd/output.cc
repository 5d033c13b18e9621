// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's lines to standard output, standard error, log file and syslog.
#include "config.h"

#include "knockd/output.h"

#include <syslog.h>
#include <unistd.h>

#include <memory>

#include "common/log/sink.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_log_bytes = 1023;
constexpr std::size_t most_held_lines = 10000;
// Debian's package logs to "daemon", the project's own releases to "user": chosen by --with-syslog-facility.
constexpr int facility = KNOCKD_FACILITY;

std::unique_ptr<log::Sink> make_syslog_sink() {
  return std::make_unique<log::SyslogSink>(log::SyslogSink::Options{
      .identity = "knockd", .facility = facility, .with_pid = false, .fixed_level = log::Level::notice});
}

}  // namespace

Output::Output(Options options, const Clock& clock)
    : options_(options), clock_(clock), standard_output_(STDOUT_FILENO) {
  logger_.set_max_bytes(max_log_bytes);
}

void Output::say(unsigned channels, std::string_view text) {
  if (held_.empty()) return write(channels, text);
  write(channels & to_error, text);
  hold({channels & ~unsigned{to_error}, std::nullopt, [line = std::string(text)](const std::string&) { return line; }});
}

void Output::say_of(unsigned channels, const net::IpAddress& source,
                    std::function<std::string(const std::string&)> text) {
  const bool must_wait = names_ && (!held_.empty() || names_->is_pending(source));
  if (!must_wait) return write(channels, text(show(source)));
  hold({channels, source, std::move(text)});
}

void Output::hold(Held line) {
  held_.push_back(std::move(line));
  if (held_.size() > most_held_lines) write_held(false);
}

void Output::write_held(bool only_answered) {
  while (!held_.empty()) {
    const Held& line = held_.front();
    if (only_answered && line.source && names_->is_pending(*line.source)) return;
    write(line.channels, line.text(line.source ? show(*line.source) : std::string()));
    held_.pop_front();
  }
}

std::string Output::show(const net::IpAddress& source) const {
  return names_ ? names_->show(source) : net::format_ip_address(source);
}

void Output::write(unsigned channels, std::string_view text) {
  const bool is_shown =
      ((channels & with_verbose) != 0 && options_.is_verbose) || ((channels & with_debug) != 0 && options_.is_debug);
  if (is_shown) standard_output_.write(log::Level::info, text);
  if ((channels & to_error) != 0) log::StreamSink(STDERR_FILENO).write(log::Level::error, text);
  if ((channels & to_log) != 0) logger_.write(log::Level::notice, log::escape_controls(text));
}

void Output::hold_lines(bool is_held) {
  standard_output_.hold(is_held);
  logger_.hold(is_held);
}

Result<void> Output::open_log(const std::string& log_file, bool uses_syslog, std::string_view line_between) {
  std::unique_ptr<log::Sink> file;
  std::optional<Error> failure;
  if (!log_file.empty()) {
    auto opened = log::FileSink::open(log_file, clock_);
    if (opened) {
      file = std::move(opened).value();
    } else {
      failure = os_error("", opened.error().os_code);
    }
  }
  // Better the old file, wherever it is now, than none.
  if (failure && logger_.has_sinks()) return fail(*failure);
  logger_.remove_sinks();
  if (uses_syslog) logger_.add(make_syslog_sink());
  if (!line_between.empty()) say(with_verbose | to_log, line_between);
  if (file) logger_.add(std::move(file));
  if (failure) return fail(*failure);
  return {};
}

void Output::log_to_syslog_once(std::string_view text) {
  log::Logger logger;
  logger.set_max_bytes(max_log_bytes);
  logger.add(make_syslog_sink());
  logger.write(log::Level::notice, log::escape_controls(text));
}

}  // namespace latchkey::knockd
