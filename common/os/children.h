// SPDX-License-Identifier: GPL-2.0-or-later
// Children: programs that run beside the event loop, with captured output and a time limit, reaped as they end.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <unordered_map>

#include "common/os/event_loop.h"
#include "common/os/spawn.h"

namespace latchkey::os {

struct ChildLimits {
  std::chrono::milliseconds run_time{0};  ///< then SIGTERM; 0 = none
  std::chrono::milliseconds grace{2000};  ///< between SIGTERM and SIGKILL
  std::size_t output_bytes = 64 * 1024;   ///< kept of each captured stream; the rest is read and dropped
};

/// One object a process: it owns SIGCHLD, and reaps orphans too (the daemon may be process 1 of a container).
class Children {
 public:
  using OnExit = std::function<void(const ChildExit&)>;

  /// `loop` outlives this object. Error: SIGCHLD cannot be watched.
  static Result<std::unique_ptr<Children>> create(EventLoop& loop);
  /// Forgets the children, without killing them.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  /// Runs a program; `on_exit` is called from the loop, once, after the start succeeded.
  Result<pid_t, SpawnError> start(const Command& command, const ChildLimits& limits, OnExit on_exit);
  /// Watches a process that was forked elsewhere (a sensor).
  void adopt(pid_t pid, OnExit on_exit);
  /// Signals a child, and its session when it was started in one of its own. False when it is not ours (any more).
  bool send_signal(pid_t pid, int signal_number);
  /// Kills a child and waits: on return nothing of it runs any more, and its `on_exit` was called. False as above.
  bool end_now(pid_t pid);
  std::size_t count() const { return running_.size(); }

 private:
  struct Running;
  explicit Children(EventLoop& loop);
  void add(pid_t pid, std::unique_ptr<Running> child);
  void reap();
  void reap(pid_t pid);
  void stop_watching(Running& child);
  void finish(pid_t pid, int wait_status);
  void limit_run_time(pid_t pid, const ChildLimits& limits);

  EventLoop& loop_;
  std::unordered_map<pid_t, std::unique_ptr<Running>> running_;
};

/// Runs a program and waits for its end, without a loop (start-up, listings). `limits.run_time` 0 = no limit.
/// Must not be called from a process whose Children runs the same program at that moment: it reaps only its own child.
Result<ChildExit, SpawnError> run_captured(const Command& command, const ChildLimits& limits);

}  // namespace latchkey::os
