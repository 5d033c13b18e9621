// SPDX-License-Identifier: GPL-2.0-or-later
// Runs one firewall command and tells how it ended; tests replace it by a recorder.
#pragma once
#include <functional>
#include <string>

#include "common/log/logger.h"
#include "common/os/children.h"
#include "fwknopd/firewall/xtables_text.h"

namespace latchkey::fwknopd {

struct CommandResult {
  int code = 0;         ///< the peer's: 0 it exited, 16 a signal (or our time limit) ended it, -1 it could not be run
  int exit_status = 0;  ///< of exit(), where code is 0
  std::string output;   ///< standard output and error, as they came
  bool is_success() const { return code == 0 && exit_status == 0; }
  /// Neither done nor refused: what was killed may have done its work.
  bool is_unknown() const { return code > 0; }
  /// For the ERR lines: something that is not 0.
  int error_number() const { return code != 0 ? code : exit_status; }
};

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  /// `argv[0]` is the program. `input` becomes its standard input.
  virtual CommandResult run(const Words& argv, const std::string& input = {}) = 0;
  using OnEnd = std::function<void(const CommandResult&)>;
  /// The same without waiting, where that can be. `on_end` is called once, perhaps before this returns.
  virtual void start(const Words& argv, const std::string& input, const OnEnd& on_end) { on_end(run(argv, input)); }
};

/// Really runs it: no shell, clean environment, folder "/", bounded time and output, waiting for its end.
class SystemRunner final : public CommandRunner {
 public:
  /// `verbosity` 2 and more: the run_extcmd() lines of 4.6. `log` and `children` outlive this object; without
  /// `children` start() waits, too.
  SystemRunner(log::Logger& log, int verbosity, os::Children* children = nullptr)
      : log_(log), verbosity_(verbosity), children_(children) {}
  CommandResult run(const Words& argv, const std::string& input = {}) override;
  void start(const Words& argv, const std::string& input, const OnEnd& on_end) override;

 private:
  CommandResult failed(const os::SpawnError& error);

  log::Logger& log_;
  int verbosity_;
  os::Children* children_;
};

}  // namespace latchkey::fwknopd
