// SPDX-License-Identifier: GPL-2.0-or-later
// run_captured: a child without an event loop.
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>

#include "common/base/clock.h"
#include "common/os/capture.h"
#include "common/os/children.h"

namespace latchkey::os {
namespace {

/// How often the end of the child is asked for where the kernel has no process descriptors.
constexpr int poll_without_pidfd_ms = 10;

int milliseconds_until(MonotonicTime deadline, MonotonicTime now) {
  if (deadline == MonotonicTime::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

struct Watchdog {
  MonotonicTime deadline = MonotonicTime::max();
  bool has_sent_term = false;

  /// TERM at the deadline, KILL a grace later.
  void check(MonotonicTime now, pid_t target, std::chrono::milliseconds grace) {
    if (now < deadline) return;
    kill(target, has_sent_term ? SIGKILL : SIGTERM);
    deadline = has_sent_term ? MonotonicTime::max() : now + grace;
    has_sent_term = true;
  }
};

}  // namespace

Result<ChildExit, SpawnError> run_captured(const Command& command, const ChildLimits& limits) {
  auto spawned = spawn(command);
  if (!spawned) return fail(spawned.error());
  const SystemClock clock;
  ChildExit exit;
  exit.pid = spawned->pid;
  const pid_t signal_target = command.new_session ? -exit.pid : exit.pid;
  OutputCapture capture(*spawned, limits.output_bytes);
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, exit.pid, 0)));
  Watchdog watchdog;
  if (limits.run_time.count() > 0) watchdog.deadline = clock.monotonic() + limits.run_time;

  for (;;) {
    const pid_t ended = waitpid(exit.pid, &exit.wait_status, WNOHANG);
    if (ended == exit.pid) break;
    if (ended < 0 && errno == ECHILD) {
      exit.wait_status = status_unknown;
      break;
    }
    std::array<pollfd, 3> watched{
        {{capture.output_fd(), POLLIN, 0}, {capture.error_fd(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    int wait_ms = milliseconds_until(watchdog.deadline, clock.monotonic());
    if (!process) wait_ms = wait_ms < 0 ? poll_without_pidfd_ms : std::min(wait_ms, poll_without_pidfd_ms);
    poll(watched.data(), watched.size(), wait_ms);
    if (watched[0].revents) capture.read_from(watched[0].fd);
    if (watched[1].revents) capture.read_from(watched[1].fd);
    watchdog.check(clock.monotonic(), signal_target, limits.grace);
  }
  exit.is_timed_out = watchdog.has_sent_term;
  capture.finish(exit);
  return exit;
}

}  // namespace latchkey::os
