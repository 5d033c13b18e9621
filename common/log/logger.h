// SPDX-License-Identifier: GPL-2.0-or-later
// Logger: formats a line once, escapes what came from outside, hands it to every sink.
#pragma once
#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/log/escape.h"
#include "common/log/level.h"
#include "common/log/rate_limit.h"
#include "common/log/sink.h"

namespace latchkey::log {

/// Texts that stand for an argument: strings are escaped (escape_controls), everything else formats itself. So the
/// format string may hold tabs and newlines, an argument never gets one into the log.
template <class T>
decltype(auto) escape_argument(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return escape_controls(value);
  } else {
    return (value);
  }
}

/// Passed by reference; there is no global one. Not thread-safe: the programs have one thread.
class Logger {
 public:
  explicit Logger(Level threshold = Level::info) : threshold_(threshold) {}

  void add(std::unique_ptr<Sink> sink) { sinks_.push_back(std::move(sink)); }
  void remove_sinks() { sinks_.clear(); }
  bool has_sinks() const { return !sinks_.empty(); }
  /// As Sink::hold, of every sink.
  void hold(bool is_held);
  void set_threshold(Level threshold) { threshold_ = threshold; }
  Level threshold() const { return threshold_; }
  /// Lines are cut to this many bytes, between characters (knockd: 1023); 0 = never.
  void set_max_bytes(std::size_t max_bytes) { max_bytes_ = max_bytes; }
  /// Is a line of this level written? Ask before expensive preparations only; the calls below ask themselves.
  bool shows(Level level) const { return level <= threshold_; }

  template <class... T>
  void error(fmt::format_string<T...> format, const T&... values) {
    line<T...>(Level::error, format, values...);
  }
  template <class... T>
  void warning(fmt::format_string<T...> format, const T&... values) {
    line<T...>(Level::warning, format, values...);
  }
  template <class... T>
  void notice(fmt::format_string<T...> format, const T&... values) {
    line<T...>(Level::notice, format, values...);
  }
  template <class... T>
  void info(fmt::format_string<T...> format, const T&... values) {
    line<T...>(Level::info, format, values...);
  }
  template <class... T>
  void debug(fmt::format_string<T...> format, const T&... values) {
    line<T...>(Level::debug, format, values...);
  }
  template <class... T>
  void line(Level level, fmt::format_string<T...> format, const T&... values) {
    if (shows(level)) write(level, fmt::vformat(format, fmt::make_format_args(escape_argument(values)...)));
  }
  /// As line(), for what strangers can repeat: silent while `limit` is used up; the first line after that is preceded
  /// by "N more suppressed". False: it was suppressed.
  template <class... T>
  bool limited(RateLimit& limit, MonotonicTime now, Level level, fmt::format_string<T...> format, const T&... values) {
    if (!shows(level)) return true;
    const auto suppressed = limit.admit(now);
    if (!suppressed) return false;
    if (*suppressed > 0) write(level, fmt::format("{} more suppressed", *suppressed));
    line<T...>(level, format, values...);
    return true;
  }

  /// A finished text: nothing is escaped. For records that are formatted and escaped elsewhere (the field dump, lines
  /// received from the sensor after their check).
  void write(Level level, std::string_view text);

 private:
  Level threshold_;
  std::size_t max_bytes_ = 0;
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace latchkey::log
