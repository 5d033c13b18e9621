// SPDX-License-Identifier: GPL-2.0-or-later
// EventLoop: descriptors, timers and signals of one process, on epoll, timerfd and signalfd. Sleeps when idle.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

/// Bits of EventLoop::watch. A hang-up or an error of the descriptor is reported as readable and writable, whichever
/// was asked for.
enum Ready : unsigned { readable = 1, writable = 2 };

/// Names one pending timer; a default one names none.
class TimerId {
 public:
  TimerId() = default;
  bool is_set() const { return number_ != 0; }

 private:
  friend class EventLoop;
  TimerId(MonotonicTime due, std::uint64_t number) : due_(due), number_(number) {}
  MonotonicTime due_{};
  std::uint64_t number_ = 0;
};

class EventLoop {
 public:
  using OnReady = std::function<void(unsigned ready)>;
  using Action = std::function<void()>;

  /// `clock` outlives the loop; its monotonic() is CLOCK_BOOTTIME except in tests that use run_ready().
  static Result<std::unique_ptr<EventLoop>> create(const Clock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  const Clock& clock() const { return clock_; }

  /// Calls `on_ready` whenever `fd` is ready for `interest` (level-triggered). Replaces an earlier watch of `fd`.
  /// The loop does not own `fd`: unwatch() before closing it. Error: EPERM for regular files, which are always ready
  /// (drive those with call_after(0us)).
  Result<void> watch(int fd, unsigned interest, OnReady on_ready);
  /// Changes the interest of a watched descriptor; 0 pauses it.
  Result<void> set_interest(int fd, unsigned interest);
  void unwatch(int fd);

  /// One shot. Timers that are due together run in order of their time, then of their creation. A time in the past
  /// runs at the next turn. Thousands are cheap: each is one map entry.
  TimerId call_at(MonotonicTime due, Action action);
  TimerId call_after(std::chrono::microseconds delay, Action action);
  /// Harmless for a timer that has run or is none. Clears `id`. True when something was cancelled.
  bool cancel(TimerId& id);
  std::size_t pending_timers() const { return timers_.size(); }

  /// Blocks the signal for the process and calls `action` for it from the loop, never from a handler. Signals that
  /// arrive together run TERM and INT first, so an end is never lost behind a reload. Replaces an earlier action.
  Result<void> on_signal(int signal_number, Action action);

  /// Until stop(). Error: epoll itself failed.
  Result<void> run();
  void stop() { is_stopped_ = true; }
  /// One turn without waiting: what is ready and due now. For tests (with a ManualClock too).
  void run_ready();

 private:
  struct Watch;
  struct Signals;
  explicit EventLoop(const Clock& clock);
  Result<void> turn(int timeout_ms);
  void run_due_timers();
  void arm_timer();
  void read_signals();

  const Clock& clock_;
  Fd epoll_;
  Fd timer_;
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;
  std::map<std::pair<MonotonicTime, std::uint64_t>, Action> timers_;
  std::unique_ptr<Signals> signals_;
  std::optional<MonotonicTime> armed_for_ = MonotonicTime::max();  ///< nothing: not known, arm again
  std::uint64_t next_number_ = 1;
  bool is_stopped_ = false;
};

}  // namespace latchkey::os
