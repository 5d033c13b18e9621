// SPDX-License-Identifier: GPL-2.0-or-later
// Report: what is wrong with a configuration, told as the peer does, or collected for the configuration check.
#pragma once
#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/diagnostic.h"
#include "common/log/logger.h"

namespace latchkey::fwknopd {

/// Running, the first error ends the reading and every line goes to the log at once, in the peer's words and order.
/// Checking, nothing is logged, the reading goes on after errors where it can, and all problems are kept.
class Report {
 public:
  enum class Mode { running, checking };
  Report(log::Logger& log, Mode mode) : log_(log), mode_(mode) {}

  log::Logger& log() { return log_; }
  bool is_checking() const { return mode_ == Mode::checking; }
  bool has_errors() const { return has_errors_; }
  /// Does the reading go on? False after an error when running.
  bool goes_on() const { return !has_errors_ || is_checking(); }
  const std::vector<config::Diagnostic>& diagnostics() const { return diagnostics_; }
  /// Lines of files with their secrets, for the check's carets: none are kept when running.
  void keep_line(const config::Place& place, std::string masked_line);

  /// A line of the peer's that makes the configuration unusable.
  template <class... T>
  void error(const config::Place& place, fmt::format_string<T...> format, const T&... values) {
    add<T...>(log::Level::error, config::Severity::error, place, format, values...);
    has_errors_ = true;
  }
  /// A line of the peer's after which it goes on. `level` is its level in the log.
  template <class... T>
  void warning(log::Level level, const config::Place& place, fmt::format_string<T...> format, const T&... values) {
    add<T...>(level, config::Severity::warning, place, format, values...);
  }
  /// The line before an error(), which tells more: logged, and put in front of the error's text in the check.
  template <class... T>
  void detail(fmt::format_string<T...> format, const T&... values) {
    if (is_checking()) {
      detail_ = fmt::vformat(format, fmt::make_format_args(values...));
    } else {
      log_.error<T...>(format, values...);
    }
  }
  /// Not a problem: logged when running.
  template <class... T>
  void tell(log::Level level, fmt::format_string<T...> format, const T&... values) {
    if (!is_checking()) log_.line<T...>(level, format, values...);
  }
  /// What only the check says: weak settings.
  void advise(const config::Place& place, std::string text);
  /// The errno text that the peer writes to standard error beside the log.
  void print_os_error(int os_code);

 private:
  template <class... T>
  void add(log::Level level, config::Severity severity, const config::Place& place, fmt::format_string<T...> format,
           const T&... values) {
    if (is_checking()) {
      collect(severity, place, fmt::vformat(format, fmt::make_format_args(values...)));
    } else {
      log_.line<T...>(level, format, values...);
    }
  }
  void collect(config::Severity severity, const config::Place& place, const std::string& text);

  log::Logger& log_;
  Mode mode_;
  bool has_errors_ = false;
  std::map<std::pair<const config::SourceFile*, unsigned>, std::string> lines_;
  std::string detail_;
  std::vector<config::Diagnostic> diagnostics_;
};

}  // namespace latchkey::fwknopd
