// SPDX-License-Identifier: GPL-2.0-or-later
// The event loop on epoll, timerfd and signalfd.
#include "common/os/event_loop.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

namespace latchkey::os {
namespace {

constexpr int events_per_turn = 64;

std::uint32_t epoll_events(unsigned interest) {
  return ((interest & readable) ? EPOLLIN : 0u) | ((interest & writable) ? EPOLLOUT : 0u);
}

/// Nanoseconds end after 292 years.
std::chrono::nanoseconds to_nanoseconds(MonotonicTime time) {
  constexpr auto longest = std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds::max());
  return std::min(time.time_since_epoch(), longest);
}

/// TERM and INT before everything else.
int signal_rank(int signal_number) { return signal_number == SIGTERM || signal_number == SIGINT ? 0 : 1; }

}  // namespace

struct EventLoop::Watch {
  unsigned interest = 0;
  OnReady on_ready;
};

struct EventLoop::Signals {
  Fd fd;
  sigset_t set{};
  std::map<int, Action> actions;
};

EventLoop::EventLoop(const Clock& clock) : clock_(clock) {}
EventLoop::~EventLoop() = default;

Result<std::unique_ptr<EventLoop>> EventLoop::create(const Clock& clock) {
  std::unique_ptr<EventLoop> loop(new EventLoop(clock));
  loop->epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!loop->epoll_) return fail(os_error("epoll"));
  loop->timer_ = Fd(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!loop->timer_) return fail(os_error("timerfd"));
  // What has expired is looked for by run_due_timers(), which every turn ends with.
  const auto watched = loop->watch(loop->timer_.get(), readable, [](unsigned) {});
  if (!watched) return fail(watched.error());
  return loop;
}

Result<void> EventLoop::watch(int fd, unsigned interest, OnReady on_ready) {
  // A new object even for a known descriptor: the old one may be running at this moment. And in the table before it is
  // in epoll: memory may run out in between, and an event without a watch would come again and again.
  auto watch = std::make_shared<Watch>(Watch{interest, std::move(on_ready)});
  std::shared_ptr<Watch>& slot = watches_[fd];
  epoll_event event{};
  event.events = epoll_events(interest);
  event.data.fd = fd;
  // A descriptor that was closed while watched has left epoll by itself: its number is new to epoll then.
  const bool is_known = slot && epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
  if (!is_known && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const Error error = os_error("epoll");
    watches_.erase(fd);
    return fail(error);
  }
  slot = std::move(watch);
  return {};
}

Result<void> EventLoop::set_interest(int fd, unsigned interest) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return fail(os_error("epoll", ENOENT));
  if (found->second->interest == interest) return {};
  epoll_event event{};
  event.events = epoll_events(interest);
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) return fail(os_error("epoll"));
  found->second->interest = interest;
  return {};
}

void EventLoop::unwatch(int fd) {
  if (watches_.erase(fd) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

TimerId EventLoop::call_at(MonotonicTime due, Action action) {
  const TimerId id(due, next_number_++);
  timers_.emplace(std::pair(id.due_, id.number_), std::move(action));
  return id;
}

TimerId EventLoop::call_after(std::chrono::microseconds delay, Action action) {
  const MonotonicTime now = clock_.monotonic();
  // A delay beyond the end of time means never, not the distant past.
  const auto longest = MonotonicTime::max() - now;
  return call_at(delay > longest ? MonotonicTime::max() : now + delay, std::move(action));
}

bool EventLoop::cancel(TimerId& id) {
  const bool was_pending = id.is_set() && timers_.erase({id.due_, id.number_}) > 0;
  id = TimerId();
  return was_pending;
}

Result<void> EventLoop::on_signal(int signal_number, Action action) {
  if (!signals_) {
    signals_ = std::make_unique<Signals>();
    sigemptyset(&signals_->set);
  }
  sigset_t added;
  sigemptyset(&added);
  sigaddset(&added, signal_number);
  sigaddset(&signals_->set, signal_number);
  if (sigprocmask(SIG_BLOCK, &added, nullptr) != 0) return fail(os_error("sigprocmask"));
  // Whoever started us may have ignored it: for children that means that the kernel throws their status away.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  if (sigaction(signal_number, &by_default, nullptr) != 0) return fail(os_error("sigaction"));
  const int fd = signalfd(signals_->fd.get(), &signals_->set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return fail(os_error("signalfd"));
  signals_->actions[signal_number] = std::move(action);
  if (signals_->fd) return {};
  signals_->fd = Fd(fd);
  return watch(fd, readable, [this](unsigned) { read_signals(); });
}

void EventLoop::read_signals() {
  std::vector<int> arrived;
  signalfd_siginfo info{};
  while (::read(signals_->fd.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    arrived.push_back(static_cast<int>(info.ssi_signo));
  }
  std::ranges::stable_sort(arrived, {}, signal_rank);
  for (const int number : arrived) {
    if (is_stopped_) return;
    const auto found = signals_->actions.find(number);
    if (found == signals_->actions.end()) continue;
    const Action action = found->second;  // a copy: the action may replace itself
    action();
  }
}

void EventLoop::arm_timer() {
  const MonotonicTime next = timers_.empty() ? MonotonicTime::max() : timers_.begin()->first.first;
  if (next == armed_for_) return;
  itimerspec spec{};
  if (next != MonotonicTime::max()) {
    // An all-zero time would disarm: the past is one nanosecond after boot.
    const auto since_boot = std::max(to_nanoseconds(next), std::chrono::nanoseconds(1));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (since_boot - seconds).count();
  }
  if (timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0) armed_for_ = next;
}

void EventLoop::run_due_timers() {
  if (timers_.empty() || timers_.begin()->first.first > clock_.monotonic()) return;
  const MonotonicTime now = clock_.monotonic();
  // Timers that the actions add wait for the next turn, however due: a timer that renews itself must not starve others.
  const std::uint64_t first_new = next_number_;
  auto next = timers_.begin();
  while (next != timers_.end() && next->first.first <= now && !is_stopped_) {
    if (next->first.second >= first_new) {
      ++next;
      continue;
    }
    const Action action = std::move(next->second);
    timers_.erase(next);
    action();
    next = timers_.begin();
  }
  // What was armed has expired: to arm again, even for an equal time or for none, is what clears the descriptor.
  armed_for_.reset();
}

Result<void> EventLoop::turn(int timeout_ms) {
  std::array<epoll_event, events_per_turn> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events_per_turn, timeout_ms);
  if (count < 0) {
    if (errno == EINTR) return {};
    return fail(os_error("epoll_wait"));
  }
  // Each watch is looked up when its turn comes: an earlier action may have closed the descriptor, and even opened
  // another of the same number, whose watch then did not exist when the events were collected.
  std::array<std::shared_ptr<Watch>, events_per_turn> ready;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto found = watches_.find(events[at].data.fd);
    if (found != watches_.end()) ready[at] = found->second;
  }
  for (int i = 0; i < count && !is_stopped_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto found = watches_.find(events[at].data.fd);
    if (!ready[at] || found == watches_.end() || found->second != ready[at]) continue;
    const std::uint32_t bits = events[at].events;
    const unsigned both = (bits & (EPOLLERR | EPOLLHUP)) ? readable | writable : 0u;
    ready[at]->on_ready(both | ((bits & EPOLLIN) ? readable : 0u) | ((bits & EPOLLOUT) ? writable : 0u));
  }
  if (!is_stopped_) run_due_timers();
  return {};
}

Result<void> EventLoop::run() {
  is_stopped_ = false;
  while (!is_stopped_) {
    arm_timer();
    if (const auto done = turn(-1); !done) return done;
  }
  return {};
}

void EventLoop::run_ready() {
  is_stopped_ = false;
  arm_timer();
  if (!turn(0)) stop();
}

}  // namespace latchkey::os
