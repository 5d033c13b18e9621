// SPDX-License-Identifier: GPL-2.0-or-later
// Running of firewall commands.
#include "fwknopd/firewall/command_runner.h"

#include <chrono>

#include "common/os/children.h"
#include "common/os/spawn.h"

namespace latchkey::fwknopd {
namespace {

/// A firewall that hangs must not stop expiry for long; iptables itself needs milliseconds.
constexpr std::chrono::seconds time_limit{10};
constexpr std::chrono::milliseconds grace{500};
/// A quarter of a million rules of a listing.
constexpr std::size_t output_limit_bytes = 64 * 1024 * 1024;

os::Command command_for(const Words& argv, const std::string& input) {
  os::Command command;
  command.argv = argv;
  command.environment =
      std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  command.directory.assign(1, '/');
  command.umask = 022;
  command.input_text = input;
  command.output = os::Stream::capture;
  command.error_output = os::Stream::merge;
  command.new_session = true;
  return command;
}

const os::ChildLimits limits{.run_time = time_limit, .grace = grace, .output_bytes = output_limit_bytes};

CommandResult result_of(const os::ChildExit& ended) {
  CommandResult result;
  result.output = ended.output;
  if (ended.has_exited() && !ended.is_output_cut) {
    result.exit_status = ended.exit_code();
  } else {
    // Half a listing is none: a rule that stands in the other half would count as removed.
    result.code = 16;
    if (ended.is_timed_out) result.output += "(killed: it ran longer than 10 seconds)";
    if (ended.is_output_cut) result.output = "(its output could not be read)";
  }
  return result;
}

}  // namespace

CommandResult SystemRunner::run(const Words& argv, const std::string& input) {
  if (verbosity_ >= 2) log_.info("run_extcmd() (with execvp()): running CMD: {}", join(argv));
  const auto ended = os::run_captured(command_for(argv, input), limits);
  if (!ended) return failed(ended.error());
  CommandResult result = result_of(*ended);
  if (verbosity_ >= 2) log_.info("run_extcmd(): returning {}, pid_status: {}", result.code, result.exit_status);
  return result;
}

void SystemRunner::start(const Words& argv, const std::string& input, const OnEnd& on_end) {
  if (children_ == nullptr) return on_end(run(argv, input));
  const auto started = children_->start(command_for(argv, input), limits,
                                        [on_end](const os::ChildExit& ended) { on_end(result_of(ended)); });
  if (!started) on_end(failed(started.error()));
}

CommandResult SystemRunner::failed(const os::SpawnError& error) {
  log_.error("run_extcmd(): {} failed: {}", error.stage == os::SpawnError::Stage::exec ? "execvp()" : "fork()",
             error.error.text);
  return {.code = -1, .exit_status = 0, .output = {}};
}

}  // namespace latchkey::fwknopd
