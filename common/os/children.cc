// SPDX-License-Identifier: GPL-2.0-or-later
// Children in the event loop: SIGCHLD, time limits, captured output.
#include "common/os/children.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "common/os/capture.h"

namespace latchkey::os {

struct Children::Running {
  OnExit on_exit;
  Fd process;  ///< of the kernel (pidfd), readable from its end on
  std::optional<OutputCapture> capture;
  TimerId limit;
  bool has_own_session = false;
  bool is_timed_out = false;
};

Children::Children(EventLoop& loop) : loop_(loop) {}

Result<std::unique_ptr<Children>> Children::create(EventLoop& loop) {
  std::unique_ptr<Children> children(new Children(loop));
  const auto watched = loop.on_signal(SIGCHLD, [self = children.get()] { self->reap(); });
  if (!watched) return fail(watched.error());
  return children;
}

Children::~Children() {
  for (auto& [pid, child] : running_) {
    stop_watching(*child);
  }
  // The loop may outlive us: SIGCHLD then means nothing.
  if (!loop_.on_signal(SIGCHLD, [] {})) return;
}

Result<pid_t, SpawnError> Children::start(const Command& command, const ChildLimits& limits, OnExit on_exit) {
  auto spawned = spawn(command);
  if (!spawned) return fail(spawned.error());
  const pid_t pid = spawned->pid;
  auto child = std::make_unique<Running>();
  child->on_exit = std::move(on_exit);
  child->has_own_session = command.new_session;
  child->capture.emplace(*spawned, limits.output_bytes);
  for (const int fd : {child->capture->output_fd(), child->capture->error_fd()}) {
    if (fd < 0) continue;
    const auto watched = loop_.watch(fd, readable, [this, fd, capture = &*child->capture](unsigned) {
      if (!capture->read_from(fd)) loop_.unwatch(fd);
    });
    // Unwatched, the pipe is read when the child has ended: a chatty one may have to wait for its time limit.
    if (!watched) continue;
  }
  add(pid, std::move(child));
  limit_run_time(pid, limits);
  return pid;
}

void Children::adopt(pid_t pid, OnExit on_exit) {
  auto child = std::make_unique<Running>();
  child->on_exit = std::move(on_exit);
  add(pid, std::move(child));
  // It may have ended already, and its SIGCHLD have been consumed.
  loop_.call_after(std::chrono::microseconds(0), [this] { reap(); });
}

/// SIGCHLD tells that some child has ended, once. A process descriptor goes on telling until this one has been reaped;
/// without one (an old kernel, no descriptor left) there is the signal alone.
void Children::add(pid_t pid, std::unique_ptr<Running> child) {
  child->process = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const bool is_watched =
      child->process && loop_.watch(child->process.get(), readable, [this, pid](unsigned) { reap(pid); });
  if (!is_watched) child->process.close();
  running_[pid] = std::move(child);
}

void Children::limit_run_time(pid_t pid, const ChildLimits& limits) {
  if (limits.run_time.count() <= 0) return;
  running_[pid]->limit = loop_.call_after(limits.run_time, [this, pid, grace = limits.grace] {
    running_[pid]->is_timed_out = true;
    send_signal(pid, SIGTERM);
    running_[pid]->limit = loop_.call_after(grace, [this, pid] { send_signal(pid, SIGKILL); });
  });
}

bool Children::send_signal(pid_t pid, int signal_number) {
  const auto found = running_.find(pid);
  if (found == running_.end()) return false;
  return kill(found->second->has_own_session ? -pid : pid, signal_number) == 0;
}

bool Children::end_now(pid_t pid) {
  if (!send_signal(pid, SIGKILL)) return false;
  int wait_status = 0;
  while (waitpid(pid, &wait_status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  finish(pid, wait_status);
  return true;
}

void Children::reap() {
  int wait_status = 0;
  for (;;) {
    const pid_t pid = waitpid(-1, &wait_status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return;
    finish(pid, wait_status);
  }
}

void Children::reap(pid_t pid) {
  int wait_status = 0;
  const pid_t reaped = waitpid(pid, &wait_status, WNOHANG);
  if (reaped == pid) return finish(pid, wait_status);
  // Somebody else has reaped it.
  if (reaped < 0 && errno == ECHILD) finish(pid, status_unknown);
}

void Children::stop_watching(Running& child) {
  loop_.cancel(child.limit);
  if (child.process) loop_.unwatch(child.process.get());
  if (!child.capture) return;
  loop_.unwatch(child.capture->output_fd());
  loop_.unwatch(child.capture->error_fd());
}

void Children::finish(pid_t pid, int wait_status) {
  const auto found = running_.find(pid);
  if (found == running_.end()) return;
  // Out of the table first: the callback may start another child.
  const std::unique_ptr<Running> child = std::move(found->second);
  running_.erase(found);
  stop_watching(*child);
  ChildExit exit;
  exit.pid = pid;
  exit.wait_status = wait_status;
  exit.is_timed_out = child->is_timed_out;
  if (child->capture) child->capture->finish(exit);
  if (child->on_exit) child->on_exit(exit);
}

}  // namespace latchkey::os
