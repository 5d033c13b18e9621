// SPDX-License-Identifier: GPL-2.0-or-later
// Workers: start commands, waiting times and stop commands of openings (spec/knockd.md 6.2).
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/net/address.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "knockd/commands.h"
#include "knockd/door.h"
#include "knockd/journal.h"
#include "knockd/output.h"

namespace latchkey::knockd {

struct WorkerLimits {
  std::size_t max_running = 512;      ///< commands at one time, for a start command to be run
  std::size_t max_with_stops = 1024;  ///< for a stop command: start commands that never end keep no door open
  std::size_t max_workers = 65536;    ///< with those that wait for their stop command
};

class Workers {
 public:
  /// The references outlive this object.
  Workers(os::EventLoop& loop, os::Children& children, Output& output, WorkerLimits limits);

  /// From now on every pending stop command is in the journal; what a former process left behind is run or scheduled.
  void use_journal(StopJournal journal);

  /// A door has opened: runs what its commands are for this source.
  void open(const Door& door, const net::IpAddress& source);

  /// Runs all pending stop commands now instead of in their time, one after the other; those of openings to come too.
  void stop_waiting();
  /// After the last worker: an empty journal goes.
  void close_journal() {
    if (journal_) journal_->delete_if_empty();
  }
  bool is_idle() const { return workers_.empty(); }
  /// Called whenever the last worker has ended.
  void on_idle(std::function<void()> action) { on_idle_ = std::move(action); }

 private:
  struct Worker {
    std::string door;
    net::IpAddress source;
    std::optional<std::string> stop;
    std::int32_t timeout_s = 0;
    std::optional<std::uint64_t> journal_id;
    os::TimerId timer;
    bool is_waiting = false;
    bool has_told_fork_failure = false;
  };
  using Id = std::uint64_t;

  Id add(Worker worker) {
    workers_.emplace(next_id_, std::move(worker));
    return next_id_++;
  }
  void remember(Worker& worker, std::chrono::microseconds delay);
  bool run(Id id, const std::string& command, void (Workers::*then)(Id));
  void after_start(Id id);
  void wait_for_stop(Id id, MonotonicTime due);
  void queue_stops(const std::vector<Id>& ids);
  void run_next_in_line();
  void end_turn();
  void run_stop(Id id);
  void try_stop(Id id);
  void after_stop(Id id);
  void tell_journal_failure(const Result<void>& outcome);

  os::EventLoop& loop_;
  os::Children& children_;
  Output& output_;
  WorkerLimits limits_;
  std::optional<StopJournal> journal_;
  std::unordered_map<Id, Worker> workers_;
  Id next_id_ = 1;
  std::size_t running_ = 0;
  std::deque<Id> line_;        ///< stop commands that run one after the other
  std::optional<Id> in_turn_;  ///< the one of them that runs
  os::TimerId turn_timer_;
  std::chrono::microseconds turn_length_{};
  bool is_ending_ = false;
  bool has_told_journal_failure_ = false;
  std::function<void()> on_idle_;
};

}  // namespace latchkey::knockd
