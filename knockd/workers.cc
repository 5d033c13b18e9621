// SPDX-License-Identifier: GPL-2.0-or-later
// Running commands of doors, one worker an opening.
#include "knockd/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

constexpr auto stop_retry = std::chrono::seconds(1);
// Of stop commands in line: how long one that does not end holds up the next, and how soon the last one starts then.
constexpr std::chrono::microseconds longest_turn = std::chrono::seconds(1);
constexpr std::chrono::microseconds longest_line = std::chrono::seconds(45);

os::Command shell_command(const std::string& text) {
  os::Command command;
  command.argv = os::shell_argv(text);
  command.new_session = true;
  command.input = command.output = command.error_output = os::Stream::inherit;
  return command;
}

}  // namespace

Workers::Workers(os::EventLoop& loop, os::Children& children, Output& output, WorkerLimits limits)
    : loop_(loop), children_(children), output_(output), limits_(limits) {}

void Workers::use_journal(StopJournal journal) {
  journal_ = std::move(journal);
  tell_journal_failure(journal_->trouble());
  const MonotonicTime now = loop_.clock().monotonic();
  std::vector<Id> overdue;
  for (auto& [journal_id, stop] : journal_->take_left_behind()) {
    const bool is_due = stop.due <= now;
    const auto left = std::chrono::ceil<std::chrono::seconds>(stop.due - now);
    output_.say(with_verbose | to_log,
                fmt::format("{}: {}: stop command of an earlier run {}", net::format_ip_address(stop.source), stop.door,
                            is_due ? std::string("is overdue") : fmt::format("is due in {} s", left.count())));
    Worker worker{.door = stop.door,
                  .source = stop.source,
                  .stop = stop.command,
                  .timeout_s = stop.timeout_s,
                  .journal_id = journal_id,
                  .timer = {},
                  .is_waiting = false,
                  .has_told_fork_failure = false};
    const Id id = add(std::move(worker));
    if (is_due) {
      overdue.push_back(id);
    } else {
      wait_for_stop(id, stop.due);
    }
  }
  queue_stops(overdue);
}

/// Once, until it works again.
void Workers::tell_journal_failure(const Result<void>& outcome) {
  if (!outcome && !has_told_journal_failure_)
    output_.say(to_error | to_log,
                fmt::format("error: stop commands would not survive a crash: {}", outcome.error().text));
  has_told_journal_failure_ = !outcome;
}

void Workers::remember(Worker& worker, std::chrono::microseconds delay) {
  if (!journal_ || !worker.stop) return;
  const MonotonicTime due = loop_.clock().monotonic() + delay;
  if (worker.journal_id) return tell_journal_failure(journal_->set_due(*worker.journal_id, due));
  worker.journal_id = journal_->new_id();
  tell_journal_failure(
      journal_->add(*worker.journal_id, {due, worker.timeout_s, worker.door, worker.source, *worker.stop}));
}

void Workers::open(const Door& door, const net::IpAddress& source) {
  const OpeningPlan plan = plan_opening(door, source);
  if (const auto* refused = std::get_if<RefusedOpening>(&plan)) return output_.say(to_error | to_log, refused->text);
  const auto* opening = std::get_if<Opening>(&plan);
  if (opening == nullptr) return;
  if (running_ >= limits_.max_running || workers_.size() >= limits_.max_workers)
    return output_.say(to_error | to_log, texts::fork_failed);
  const Id id = add({.door = door.name,
                     .source = source,
                     .stop = opening->stop,
                     .timeout_s = door.cmd_timeout_s,
                     .journal_id = std::nullopt,
                     .timer = {},
                     .is_waiting = false,
                     .has_told_fork_failure = false});
  // Before the command runs: a crash in between must not leave the door open.
  remember(workers_.at(id), std::chrono::seconds(door.cmd_timeout_s));
  output_.say(with_verbose | to_log, fmt::format(texts::running_command, door.name, opening->start));
  if (run(id, opening->start, &Workers::after_start)) return;
  output_.say(to_error | to_log, texts::fork_failed);
  after_start(id);
}

/// False: the command could not be started, `then` will not be called.
bool Workers::run(Id id, const std::string& command, void (Workers::*then)(Id)) {
  const auto started = children_.start(shell_command(command), {}, [this, id, then](const os::ChildExit& exit) {
    --running_;
    if (const int code = exit.shell_code(); code != 0)
      output_.say(to_error | to_log, fmt::format(texts::command_status, workers_.at(id).door, code));
    (this->*then)(id);
    run_next_in_line();
  });
  if (started) ++running_;
  return started.ok();
}

void Workers::after_start(Id id) {
  Worker& worker = workers_.at(id);
  if (!worker.stop) return after_stop(id);
  const auto delay = std::chrono::seconds(worker.timeout_s);
  remember(worker, delay);
  wait_for_stop(id, loop_.clock().monotonic() + delay);
}

void Workers::wait_for_stop(Id id, MonotonicTime due) {
  if (is_ending_) return queue_stops({id});
  Worker& worker = workers_.at(id);
  worker.is_waiting = true;
  worker.timer = loop_.call_at(due, [this, id] {
    workers_.at(id).is_waiting = false;
    if (running_ < limits_.max_with_stops) return run_stop(id);
    queue_stops({id});
  });
}

/// What comes due all at once, at the end or after a crash, has chosen no time of its own and goes one by one: "sed -i"
/// undoes what another one has just written, and a program that locks its file may give up.
void Workers::queue_stops(const std::vector<Id>& ids) {
  line_.insert(line_.end(), ids.begin(), ids.end());
  if (!line_.empty()) turn_length_ = std::min(longest_turn, longest_line / static_cast<std::int64_t>(line_.size()));
  run_next_in_line();
}

void Workers::run_next_in_line() {
  if (in_turn_ || line_.empty() || running_ >= limits_.max_with_stops) return;
  const Id id = line_.front();
  line_.pop_front();
  in_turn_ = id;
  turn_timer_ = loop_.call_after(turn_length_, [this] {
    end_turn();
    run_next_in_line();
  });
  run_stop(id);
}

void Workers::end_turn() {
  loop_.cancel(turn_timer_);
  in_turn_.reset();
}

void Workers::run_stop(Id id) {
  Worker& worker = workers_.at(id);
  output_.say_of(with_verbose | to_log, worker.source, [door = worker.door](const std::string& shown) {
    return fmt::format(texts::command_timeout, shown, door);
  });
  output_.say(with_verbose | to_log, fmt::format(texts::running_command, worker.door, *worker.stop));
  try_stop(id);
}

void Workers::try_stop(Id id) {
  Worker& worker = workers_.at(id);
  if (run(id, *worker.stop, &Workers::after_stop)) return;
  // What closes a door is tried until it can be run.
  if (!worker.has_told_fork_failure) output_.say(to_error | to_log, texts::fork_failed);
  worker.has_told_fork_failure = true;
  worker.timer = loop_.call_after(stop_retry, [this, id] { try_stop(id); });
}

void Workers::after_stop(Id id) {
  if (journal_ && workers_.at(id).journal_id) tell_journal_failure(journal_->remove(*workers_.at(id).journal_id));
  workers_.erase(id);
  if (in_turn_ == id) end_turn();
  if (workers_.empty() && on_idle_) on_idle_();
}

void Workers::stop_waiting() {
  is_ending_ = true;
  std::vector<Id> waiting;
  for (auto& [id, worker] : workers_) {
    if (!std::exchange(worker.is_waiting, false)) continue;
    loop_.cancel(worker.timer);
    waiting.push_back(id);
  }
  std::ranges::sort(waiting);
  queue_stops(waiting);
}

}  // namespace latchkey::knockd
