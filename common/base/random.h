// SPDX-License-Identifier: GPL-2.0-or-later
// Randomness is an argument: the kernel's generator in programs, a seeded one in tests.
#pragma once
#include <cstdint>
#include <random>
#include <span>

#include "common/base/result.h"

namespace latchkey {

class Rng {
 public:
  virtual ~Rng() = default;
  /// Fills `out`. Error: the generator is unavailable; there is no weaker fallback (spec/spa-wire.md 2.3).
  virtual Result<void> fill(std::span<std::byte> out) = 0;
  /// A uniform number in 0..bound-1, without modulo bias. `bound` is at least 1.
  Result<std::uint32_t> below(std::uint32_t bound);
};

/// getrandom(2).
class SystemRng final : public Rng {
 public:
  Result<void> fill(std::span<std::byte> out) override;
};

/// Repeatable, for tests only: nothing secret may come from it.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : engine_(seed) {}
  Result<void> fill(std::span<std::byte> out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace latchkey
