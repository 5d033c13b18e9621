// SPDX-License-Identifier: GPL-2.0-or-later
// Event loop: timers, descriptors, signals.
#include "common/os/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <vector>

namespace latchkey::os {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Fd out, in;
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
};

struct LoopTest : ::testing::Test {
  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::create(clock);
};

TEST_F(LoopTest, timers_run_in_order_of_their_time) {
  std::vector<int> order;
  const MonotonicTime start = clock.monotonic();
  loop->call_at(start + 3ms, [&] { order.push_back(3); });
  loop->call_at(start + 1ms, [&] { order.push_back(1); });
  const MonotonicTime same = start + 2ms;
  loop->call_at(same, [&] { order.push_back(2); });
  loop->call_at(same, [&] { order.push_back(20); });
  loop->call_at(start + 4ms, [&] { loop->stop(); });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 20, 3}));
}

TEST_F(LoopTest, a_cancelled_timer_never_runs) {
  bool has_run = false;
  TimerId id = loop->call_after(1ms, [&] { has_run = true; });
  EXPECT_TRUE(id.is_set());
  EXPECT_TRUE(loop->cancel(id));
  EXPECT_FALSE(id.is_set());
  EXPECT_FALSE(loop->cancel(id));
  loop->call_after(3ms, [&] { loop->stop(); });
  ASSERT_TRUE(loop->run());
  EXPECT_FALSE(has_run);
}

TEST(Loop, follows_a_manual_clock) {
  ManualClock clock;
  auto loop = *EventLoop::create(clock);
  int runs = 0;
  loop->call_after(10s, [&] { ++runs; });
  loop->call_after(std::chrono::microseconds::max(), [&] { runs += 100; });
  loop->run_ready();
  EXPECT_EQ(runs, 0);
  clock.advance(10s);
  loop->run_ready();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(loop->pending_timers(), 1u);
}

TEST_F(LoopTest, a_timer_that_renews_itself_does_not_starve_descriptors) {
  Pipe pipe;
  ASSERT_TRUE(write_all(pipe.in.get(), "x"));
  ASSERT_TRUE(loop->watch(pipe.out.get(), readable, [&](unsigned) { loop->stop(); }));
  std::function<void()> again = [&] { loop->call_after(0us, again); };
  again();
  ASSERT_TRUE(loop->run());
}

TEST_F(LoopTest, ten_thousand_timers) {
  int runs = 0;
  std::vector<TimerId> ids;
  for (int i = 0; i < 10000; ++i) ids.push_back(loop->call_after(std::chrono::microseconds(i), [&] { ++runs; }));
  for (std::size_t i = 0; i < ids.size(); i += 2) loop->cancel(ids[i]);
  loop->call_after(11ms, [&] { loop->stop(); });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(runs, 5000);
}

TEST_F(LoopTest, reports_readable_and_hang_up) {
  Pipe pipe;
  std::string got;
  ASSERT_TRUE(loop->watch(pipe.out.get(), readable, [&](unsigned) {
    std::array<char, 10> buffer{};
    const ssize_t size = read(pipe.out.get(), buffer.data(), buffer.size());
    if (size <= 0) return loop->stop();
    got.append(buffer.data(), static_cast<std::size_t>(size));
    pipe.in.close();
  }));
  ASSERT_TRUE(write_all(pipe.in.get(), "abc"));
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(got, "abc");
}

TEST_F(LoopTest, an_action_may_unwatch_any_descriptor) {
  Pipe a, b;
  int runs = 0;
  const auto both_off = [&](unsigned) {
    ++runs;
    loop->unwatch(a.out.get());
    loop->unwatch(b.out.get());
  };
  ASSERT_TRUE(loop->watch(a.out.get(), readable, both_off));
  ASSERT_TRUE(loop->watch(b.out.get(), readable, both_off));
  ASSERT_TRUE(write_all(a.in.get(), "x"));
  ASSERT_TRUE(write_all(b.in.get(), "x"));
  loop->run_ready();
  loop->run_ready();
  EXPECT_EQ(runs, 1);
}

TEST_F(LoopTest, interest_can_be_paused) {
  Pipe pipe;
  int runs = 0;
  ASSERT_TRUE(loop->watch(pipe.in.get(), writable, [&](unsigned) { ++runs; }));
  loop->run_ready();
  ASSERT_TRUE(loop->set_interest(pipe.in.get(), 0));
  loop->run_ready();
  EXPECT_EQ(runs, 1);
}

TEST_F(LoopTest, refuses_regular_files) {
  Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto watched = loop->watch(file.get(), readable, [](unsigned) {});
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().os_code, EPERM);
}

TEST_F(LoopTest, an_end_wins_over_a_reload) {
  std::vector<int> seen;
  ASSERT_TRUE(loop->on_signal(SIGHUP, [&] { seen.push_back(SIGHUP); }));
  ASSERT_TRUE(loop->on_signal(SIGTERM, [&] {
    seen.push_back(SIGTERM);
    loop->stop();
  }));
  kill(getpid(), SIGHUP);
  kill(getpid(), SIGTERM);
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(seen, std::vector<int>{SIGTERM});
}

TEST_F(LoopTest, sleeps_when_the_next_timer_is_beyond_what_the_kernel_counts) {
  int runs = 0;
  loop->call_at(MonotonicTime(MonotonicTime::duration::max() / 2), [&] { ++runs; });
  ASSERT_TRUE(loop->on_signal(SIGALRM, [&] { loop->stop(); }));
  const std::clock_t before = std::clock();
  ualarm(300'000, 0);
  ASSERT_TRUE(loop->run());
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace latchkey::os
