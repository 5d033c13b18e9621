// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's random generator, and a repeatable one for tests.
#include "common/base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

namespace latchkey {

Result<std::uint32_t> Rng::below(std::uint32_t bound) {
  // Draws at or above the largest multiple of `bound` would favour small numbers: draw again.
  const std::uint64_t usable = (std::uint64_t{1} << 32) / bound * bound;
  for (;;) {
    std::array<std::byte, 4> bytes{};
    if (auto filled = fill(bytes); !filled) return fail(filled.error());
    std::uint64_t draw = 0;
    for (std::byte b : bytes) draw = draw << 8 | std::to_integer<std::uint64_t>(b);
    if (draw < usable) return static_cast<std::uint32_t>(draw % bound);
  }
}

Result<void> SystemRng::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(os_error("getrandom"));
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<void> SeededRng::fill(std::span<std::byte> out) {
  for (std::byte& b : out) b = static_cast<std::byte>(engine_() & 0xff);
  return {};
}

}  // namespace latchkey
