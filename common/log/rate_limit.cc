// SPDX-License-Identifier: GPL-2.0-or-later
// Counting log lines of one kind in windows of time.
#include "common/log/rate_limit.h"

#include <utility>

namespace latchkey::log {

std::optional<std::uint64_t> RateLimit::admit(MonotonicTime now) {
  if (used_ == 0 || now - window_start_ >= window_) {
    window_start_ = now;
    used_ = 0;
  }
  if (used_ >= burst_) {
    ++suppressed_;
    return std::nullopt;
  }
  ++used_;
  return take_suppressed();
}

std::uint64_t RateLimit::take_suppressed() { return std::exchange(suppressed_, 0); }

}  // namespace latchkey::log
