// SPDX-License-Identifier: GPL-2.0-or-later
// The system's clocks.
#include "common/base/clock.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <limits>

namespace latchkey {
namespace {

std::chrono::microseconds read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds(now.tv_sec) +
                                                               std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

WallTime SystemClock::wall() const { return WallTime(read_clock(CLOCK_REALTIME)); }
MonotonicTime SystemClock::monotonic() const { return MonotonicTime(read_clock(CLOCK_BOOTTIME)); }

std::int64_t to_epoch_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

WallTime from_epoch_seconds(std::int64_t seconds) {
  // A quarter of what microseconds can say, so that the distance between two of them is below half of it.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 4'000'000;
  return WallTime(std::chrono::seconds(std::clamp(seconds, -most, most)));
}

std::string format_local_time(WallTime time, const char* format) {
  const time_t seconds = to_epoch_seconds(time);
  tm fields{};
  if (!localtime_r(&seconds, &fields)) return std::to_string(seconds);
  std::array<char, 128> text{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const std::size_t length = strftime(text.data(), text.size(), format, &fields);
#pragma GCC diagnostic pop
  return {text.data(), length};
}

}  // namespace latchkey
