// SPDX-License-Identifier: GPL-2.0-or-later
// RateLimit: how many log lines of one kind a stranger can cause.
#pragma once
#include <cstdint>
#include <optional>

#include "common/base/clock.h"

namespace latchkey::log {

/// At most `burst` lines in each window of `window` that begins with its first line. One object a kind of line.
class RateLimit {
 public:
  RateLimit(std::uint32_t burst, std::chrono::microseconds window) : burst_(burst), window_(window) {}

  /// nullopt: say nothing. Else the line may be written, and the value is how many were suppressed before it and not
  /// reported yet (0 mostly).
  std::optional<std::uint64_t> admit(MonotonicTime now);
  /// Takes the number of suppressed lines that nobody has reported, for the line at shutdown.
  std::uint64_t take_suppressed();

 private:
  std::uint32_t burst_;
  std::chrono::microseconds window_;
  MonotonicTime window_start_{};
  std::uint32_t used_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace latchkey::log
