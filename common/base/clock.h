// SPDX-License-Identifier: GPL-2.0-or-later
// Time is an argument: pure cores take time points, event-driven code takes a Clock.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace latchkey {

/// Calendar time, UTC, as in SPA timestamps, log lines and the replay cache.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
/// Time since boot, suspended time included; never stepped. Timeouts and expiry count in it.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

/// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  MonotonicTime monotonic() const override;
};

/// For tests and replay: stands still until moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = {}) : wall_(start) {}
  WallTime wall() const override { return wall_; }
  MonotonicTime monotonic() const override { return monotonic_; }
  void advance(std::chrono::microseconds by) {
    wall_ += by;
    monotonic_ += by;
  }
  /// Steps the calendar alone, as an administrator or NTP does.
  void step_wall(std::chrono::microseconds by) { wall_ += by; }

 private:
  WallTime wall_;
  MonotonicTime monotonic_{};
};

std::int64_t to_epoch_seconds(WallTime time);
/// Clamped to about 73,000 years around 1970.
WallTime from_epoch_seconds(std::int64_t seconds);
/// strftime in the local time zone.
std::string format_local_time(WallTime time, const char* format);

}  // namespace latchkey
