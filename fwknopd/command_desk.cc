// SPDX-License-Identifier: GPL-2.0-or-later
// SPA commands and command cycles: none of them stalls the daemon.
#include "fwknopd/command_desk.h"

#include <signal.h>

#include <algorithm>

#include "common/os/spawn.h"
#include "common/os/user.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/policy.h"

namespace latchkey::fwknopd {
namespace {

/// At the end of the daemon: how long commands may still take before they are signalled, and then killed.
constexpr std::chrono::seconds end_limit{5};
constexpr std::chrono::milliseconds kill_grace{500};
constexpr std::chrono::seconds close_retry{1};
constexpr int bad_words_code = -6;
constexpr int no_process_code = -1;
constexpr int signalled_code = 16;
constexpr int not_found_status = 255;

os::User root_user() {
  const auto root = os::find_user(uid_t{0});
  return root ? *root : os::User{"root", 0, 0, "/root", "/bin/sh"};
}

os::Command base_command(std::vector<std::string> words, const os::User& user) {
  os::Command command;
  command.argv = std::move(words);
  command.environment = os::minimal_environment(user);
  command.directory.assign(1, '/');
  command.umask = 022;
  command.new_session = true;
  return command;
}

/// Does the stanza switch user or group for its commands? sudo is started by CMD_EXEC_USER, too: sudoers tells what he
/// may do. Root's group alone makes no difference to it.
bool switches_user(const Stanza& stanza) {
  return stanza.cmd_exec.uid != 0 || (stanza.cmd_exec.gid != 0 && !stanza.enable_cmd_sudo_exec);
}

os::User command_user(const Stanza& stanza) {
  if (!switches_user(stanza) || !stanza.cmd_exec.user) return root_user();
  const auto user = os::find_user(*stanza.cmd_exec.user);
  return user ? *user : os::User{*stanza.cmd_exec.user, stanza.cmd_exec.uid, stanza.cmd_exec.gid, "/", "/bin/sh"};
}

os::Identity identity_for(const Stanza& stanza, const os::User& user) {
  const CommandUser& who = stanza.cmd_exec;
  return {who.uid, who.gid, who.user ? os::groups_of(user, who.gid) : std::vector<gid_t>{who.gid}};
}

}  // namespace

CommandDesk::~CommandDesk() {
  for (auto& [key, cycle] : cycles_) loop_.cancel(cycle.timer);
  loop_.cancel(end_timer_);
}

const Stanza* CommandDesk::find_stanza(std::uint32_t index) const {
  return index < configuration_->stanzas.size() ? &configuration_->stanzas[index] : nullptr;
}

void CommandDesk::refuse(const net::IpAddress& source, std::uint32_t stanza, const std::string& reason) {
  log_.warning(text::request_refused, net::format_ip_address(source), stanza + 1, reason);
}

// --- SPA commands --------------------------------------------------------------------------------------------------

bool CommandDesk::submit(const CommandRequest& request) {
  const Stanza* stanza = find_stanza(request.stanza);
  const auto refusal =
      stanza ? check_command(configuration_->settings, *stanza, request, to_epoch_seconds(loop_.clock().wall()))
             : std::optional<std::string>("there is no such stanza");
  if (refusal) {
    refuse(request.packet_source, request.stanza, *refusal);
    return false;
  }
  const std::string source = net::format_ip_address(request.packet_source);
  log_.info(text::processing_command, source, stanza->number, request.command);
  const std::string full = full_command(*stanza, configuration_->settings.sudo_exe, request.command);
  if (switches_user(*stanza)) {
    const CommandUser& who = stanza->cmd_exec;
    const std::string user = who.user.value_or("root");
    log_.info(text::running_command_as, source, stanza->number, full, user, who.group.value_or(user), who.uid, who.gid);
  } else {
    log_.info(text::running_command, source, stanza->number, full);
  }
  // Behind sudo a blank command would still be a command.
  run_command(*stanza, source, split_command(request.command) ? full : std::string());
  return true;
}

void CommandDesk::run_command(const Stanza& stanza, const std::string& source, const std::string& full) {
  const unsigned number = stanza.number;
  const auto words = split_command(full);
  if (!words) {
    log_.error(text::bad_command_words);
    log_.info(text::command_returned, source, number, bad_words_code, 0);
    return;
  }
  const os::User user = command_user(stanza);
  os::Command command = base_command(*words, user);
  if (switches_user(stanza)) command.identity = identity_for(stanza, user);
  command.output = command.error_output = configuration_->settings.foreground ? os::Stream::inherit : os::Stream::null;
  const auto started =
      children_.start(command, {.run_time = configuration_->settings.cmd_exec_timeout},
                      [this, source, number](const os::ChildExit& ended) {
                        std::erase(running_, ended.pid);
                        log_.info(text::command_returned, source, number, ended.has_exited() ? 0 : signalled_code,
                                  ended.has_exited() ? ended.exit_code() : ended.wait_status);
                        one_ended();
                      });
  if (started) {
    running_.push_back(*started);
    return;
  }
  const bool is_exec = started.error().stage == os::SpawnError::Stage::exec;
  log_.error(text::command_not_run, is_exec ? "execvp()" : "fork()", os_error({}, started.error().error.os_code).text);
  log_.info(text::command_returned, source, number, is_exec ? 0 : no_process_code, is_exec ? not_found_status : 0);
}

// --- command cycles ------------------------------------------------------------------------------------------------

bool CommandDesk::submit(const CycleRequest& request) {
  const AccessRequest& access = request.access;
  const Stanza* stanza = find_stanza(access.stanza);
  const std::int64_t now_s = to_epoch_seconds(loop_.clock().wall());
  const auto refusal = stanza ? check_cycle(configuration_->settings, *stanza, request, now_s)
                              : std::optional<std::string>("there is no such stanza");
  if (refusal) {
    refuse(access.packet_source, access.stanza, *refusal);
    return false;
  }
  const std::string source = net::format_ip_address(access.packet_source);
  const auto lifetime = cycle_lifetime(*stanza, access.client_timeout_s);
  const CycleValues values{access.allowed,          access.packet_source, request.shown_destination,
                           access.services.front(), request.timestamp_s,  lifetime};
  const auto open = expand_cycle_command(stanza->cycle->open, values);
  const auto close = expand_cycle_command(stanza->cycle->close, values);
  if (!open || !close) {
    if (!open) log_.error(text::cycle_open_not_built, source, stanza->number);
    if (!close) log_.error(text::cycle_close_not_built, source, stanza->number);
    return false;
  }
  Cycle cycle;
  cycle.close = {0,     access.allowed, stanza->number, now_s + lifetime.count(), loop_.clock().monotonic() + lifetime,
                 *close};
  open_cycle(*stanza, source, *open, std::move(cycle), lifetime);
  return true;
}

/// The close is in the journal before the open command runs.
void CommandDesk::open_cycle(const Stanza& stanza, const std::string& source, const std::string& open, Cycle cycle,
                             std::chrono::seconds lifetime) {
  const std::uint64_t key = next_key_++;
  if (!cycle.close.command.empty()) {
    if (!journal_.opening(cycle.close)) return;
    cycle.open = open;
    cycle.timer = loop_.call_at(cycle.close.due, [this, key] { close_due(key); });
    cycles_.emplace(key, std::move(cycle));
  }
  log_.info(text::cycle_open, source, stanza.number, open);
  const auto started = run_quietly(open, [this, key, source, lifetime](bool) { opened(key, source, lifetime); });
  if (!started) return opened(key, source, lifetime);
  if (const auto found = cycles_.find(key); found != cycles_.end()) found->second.opening = *started;
}

void CommandDesk::opened(std::uint64_t key, const std::string& source, std::chrono::seconds lifetime) {
  const auto found = cycles_.find(key);
  if (found == cycles_.end()) return;
  Cycle& cycle = found->second;
  cycle.opening.reset();
  log_.info(text::cycle_close_later, source, cycle.close.stanza_number, lifetime.count(), cycle.close.command);
  if (cycle.is_due) run_close(key);
}

/// Never beside the open command: the two would undo each other's work. One that is still at it is ended.
void CommandDesk::close_due(std::uint64_t key) {
  Cycle& cycle = cycles_.at(key);
  loop_.cancel(cycle.timer);
  cycle.is_due = true;
  if (!cycle.opening) return run_close(key);
  log_.warning(text::cycle_open_ended, net::format_ip_address(cycle.close.allowed), cycle.close.stanza_number,
               cycle.open);
  children_.send_signal(*cycle.opening, SIGTERM);
  cycle.timer = loop_.call_after(kill_grace, [this, key] {
    children_.send_signal(*cycles_.at(key).opening, SIGKILL);
    // One that the kernel does not let go keeps nothing open.
    cycles_.at(key).timer = loop_.call_after(kill_grace, [this, key] { run_close(key); });
  });
}

void CommandDesk::run_close(std::uint64_t key) {
  Cycle& cycle = cycles_.at(key);
  const PendingClose& close = cycle.close;
  loop_.cancel(cycle.timer);
  if (!cycle.is_closing)
    log_.info(text::cycle_close, net::format_ip_address(close.allowed), close.stanza_number, close.command);
  const auto started = run_quietly(close.command, [this, close](bool is_done) {
    if (is_done) journal_.closed(close);  // else the next start runs it again
  });
  if (!started && started.error().is_passing()) {
    // What closes something is tried until it can be run.
    if (!cycle.is_closing) tell_close_failure(close, started.error());
    cycle.is_closing = true;
    cycle.timer = loop_.call_after(close_retry, [this, key] { run_close(key); });
    return;
  }
  if (!started) {
    tell_close_failure(close, started.error());
    journal_.closed(close);
  }
  cycles_.erase(key);
}

void CommandDesk::tell_close_failure(const PendingClose& close, const os::SpawnError& error) {
  const std::string address = net::format_ip_address(close.allowed);
  const std::string reason = os_error({}, error.error.os_code).text;
  if (error.is_passing()) {
    log_.error(text::cycle_close_again, address, close.stanza_number, reason);
  } else if (error.error.os_code != 0) {  // else told
    log_.error(text::cycle_close_not_run, address, close.stanza_number, reason);
  }
}

Result<pid_t, os::SpawnError> CommandDesk::run_quietly(const std::string& command, OnEnd on_end) {
  const auto words = split_command(command);
  if (!words) {
    log_.error(text::bad_command_words);
    return fail(os::SpawnError{os::SpawnError::Stage::exec, {}});
  }
  auto started = children_.start(base_command(*words, root_user()), {},
                                 [this, command, on_end = std::move(on_end)](const os::ChildExit& ended) {
                                   std::erase(running_, ended.pid);
                                   if (!ended.is_success())
                                     log_.debug("Command '{}' ended with status {}", command, ended.shell_code());
                                   on_end(ended.has_exited() || !is_forced_);
                                   one_ended();
                                 });
  if (started) {
    running_.push_back(*started);
  } else {
    log_.debug("Command '{}' could not be run: {}", command, started.error().error.text);
  }
  return started;
}

void CommandDesk::restore(const std::vector<PendingClose>& closes) {
  for (const PendingClose& close : closes) {
    const std::uint64_t key = next_key_++;
    Cycle cycle;
    cycle.close = close;
    cycle.timer = loop_.call_at(close.due, [this, key] { close_due(key); });
    cycles_.emplace(key, std::move(cycle));
    log_.info(text::close_restored, net::format_ip_address(close.allowed), close.stanza_number, close.due_s,
              close.command);
  }
}

// --- the end -------------------------------------------------------------------------------------------------------

void CommandDesk::finish(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  end_timer_ = loop_.call_after(end_limit, [this] { force_end(); });
  for (const std::uint64_t key : keys_of_cycles()) {
    Cycle& cycle = cycles_.at(key);
    cycle.is_due = true;
    loop_.cancel(cycle.timer);
    if (!cycle.opening) run_close(key);
  }
  one_ended();
}

std::vector<std::uint64_t> CommandDesk::keys_of_cycles() const {
  std::vector<std::uint64_t> keys;
  for (const auto& [key, cycle] : cycles_) keys.push_back(key);
  return keys;
}

void CommandDesk::one_ended() {
  if (!on_end_ || !running_.empty() || !cycles_.empty()) return;
  loop_.cancel(end_timer_);
  loop_.call_after(std::chrono::microseconds(0), std::exchange(on_end_, nullptr));
}

/// Open commands that are stopped are followed by their close commands, which have their time, too. But the end waits
/// for nobody whom even the kernel does not let go; the journal keeps the closes that have not run.
void CommandDesk::force_end() {
  is_forced_ = true;
  signal_running(SIGTERM);
  end_timer_ = loop_.call_after(kill_grace, [this] {
    signal_running(SIGKILL);
    end_timer_ = loop_.call_after(kill_grace, [this] {
      end_timer_ = loop_.call_after(end_limit, [this] {
        signal_running(SIGKILL);
        std::exchange(on_end_, nullptr)();
      });
      for (const std::uint64_t key : keys_of_cycles()) run_close(key);
    });
  });
}

void CommandDesk::signal_running(int signal_number) {
  for (const pid_t pid : running_) children_.send_signal(pid, signal_number);
}

}  // namespace latchkey::fwknopd
