// SPDX-License-Identifier: GPL-2.0-or-later
// CommandDesk: runs SPA commands and command cycles beside the event loop (spec/fwknopd-runtime.md 6).
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/log/logger.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "fwknopd/command_text.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/grant_journal.h"
#include "fwknopd/requests.h"

namespace latchkey::fwknopd {

class CommandDesk {
 public:
  /// Everything given outlives the desk.
  CommandDesk(log::Logger& log, os::EventLoop& loop, os::Children& children, GrantJournal& journal)
      : log_(log), loop_(loop), children_(children), journal_(journal) {}
  ~CommandDesk();
  CommandDesk(const CommandDesk&) = delete;
  CommandDesk& operator=(const CommandDesk&) = delete;

  /// At the start and after each reload. Pending closes stay as they are.
  void set_configuration(const Configuration& configuration) { configuration_ = &configuration; }

  /// Closes that an earlier process left: what is overdue runs now.
  void restore(const std::vector<PendingClose>& closes);

  /// Both judge the request again; false: refused, with a line in the log.
  bool submit(const CommandRequest& request);
  bool submit(const CycleRequest& request);

  /// At the end of the daemon: runs every pending close now, waits for what runs (not for long), then calls `on_end`.
  void finish(std::function<void()> on_end);

 private:
  struct Cycle {
    PendingClose close;
    os::TimerId timer;
    std::string open;              ///< what has opened
    std::optional<pid_t> opening;  ///< the open command, while it runs
    bool is_due = false;           ///< the close waits for its end
    bool is_closing = false;       ///< a try to run the close has failed
  };

  const Stanza* find_stanza(std::uint32_t index) const;
  void refuse(const net::IpAddress& source, std::uint32_t stanza, const std::string& reason);
  void run_command(const Stanza& stanza, const std::string& source, const std::string& full);
  void open_cycle(const Stanza& stanza, const std::string& source, const std::string& open, Cycle cycle,
                  std::chrono::seconds lifetime);
  void opened(std::uint64_t key, const std::string& source, std::chrono::seconds lifetime);
  void close_due(std::uint64_t key);
  void run_close(std::uint64_t key);
  void tell_close_failure(const PendingClose& close, const os::SpawnError& error);
  /// `is_done`: false when it was stopped because the daemon ends.
  using OnEnd = std::function<void(bool is_done)>;
  /// Runs the words of `command` as root. `on_end` is called where that could be started.
  Result<pid_t, os::SpawnError> run_quietly(const std::string& command, OnEnd on_end);
  std::vector<std::uint64_t> keys_of_cycles() const;
  void one_ended();
  void force_end();
  void signal_running(int signal_number);

  log::Logger& log_;
  os::EventLoop& loop_;
  os::Children& children_;
  GrantJournal& journal_;
  const Configuration* configuration_ = nullptr;
  std::map<std::uint64_t, Cycle> cycles_;  ///< in the order of their start
  std::uint64_t next_key_ = 1;
  std::vector<pid_t> running_;
  std::function<void()> on_end_;
  os::TimerId end_timer_;
  bool is_forced_ = false;  ///< what runs is being stopped
};

}  // namespace latchkey::fwknopd
