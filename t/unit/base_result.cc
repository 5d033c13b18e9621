// SPDX-License-Identifier: GPL-2.0-or-later
// Result, descriptors, clocks and random numbers.
#include "common/base/result.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/random.h"

namespace latchkey {
namespace {

Result<std::unique_ptr<int>> half(int number) {
  if (number % 2 != 0) return fail(Error{"odd", 0});
  return std::make_unique<int>(number / 2);
}

TEST(Result, holds_a_move_only_value_or_an_error) {
  EXPECT_EQ(**half(8), 4);
  EXPECT_FALSE(half(7));
  EXPECT_EQ(half(7).error().text, "odd");
}

TEST(Result, may_hold_nothing_but_success) {
  const Result<void> good;
  EXPECT_TRUE(good);
  const Result<void> bad = fail(os_error("x", ENOENT));
  EXPECT_EQ(bad.error().text, "x: No such file or directory");
  EXPECT_EQ(bad.error().os_code, ENOENT);
}

TEST(Fd, closes_once_and_moves) {
  Fd first(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(first);
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_EQ(second.get(), number);
  second.close();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Fd, reading_stops_at_the_limit) {
  Fd zeroes(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const auto text = read_all(zeroes.get(), 1000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().os_code, EFBIG);
}

TEST(ManualClock, moves_and_steps) {
  ManualClock clock(from_epoch_seconds(1704164645));
  clock.advance(std::chrono::seconds(5));
  clock.step_wall(std::chrono::hours(-24));
  EXPECT_EQ(to_epoch_seconds(clock.wall()), 1704164650 - 86400);
  EXPECT_EQ(clock.monotonic().time_since_epoch(), std::chrono::seconds(5));
}

TEST(Rng, below_stays_below_and_reaches_every_number) {
  SeededRng rng(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t number = *rng.below(10);
    ASSERT_LT(number, 10u);
    ++seen[number];
  }
  for (int count : seen) EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace latchkey
