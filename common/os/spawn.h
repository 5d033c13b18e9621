// SPDX-License-Identifier: GPL-2.0-or-later
// Starting another program: what it gets to see, and how a failed start is told from a failed program.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

/// Where a stream of the child leads. capture: into a pipe that is read here; merge: standard error goes where
/// standard output goes.
enum class Stream { inherit, null, capture, merge };

/// Who the child runs as. `groups` become its supplementary groups (empty: none).
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

struct Command {
  /// The program and its arguments, passed on as they are: no shell. A name without '/' is looked up in the PATH of
  /// the environment that the child gets. A file without "#!" is run by /bin/sh, as execvp does.
  std::vector<std::string> argv;
  /// "NAME=VALUE" entries; nullopt: those of this process, but for $NOTIFY_SOCKET.
  std::optional<std::vector<std::string>> environment;
  std::string directory;             ///< empty: stay
  std::optional<mode_t> umask;       ///< nullopt: keep
  std::optional<Identity> identity;  ///< nullopt: keep
  bool new_session = false;          ///< setsid: out of reach of the terminal's signals, and killed as a group
  Stream input = Stream::null;       ///< inherit or null
  std::string input_text;            ///< not empty: becomes standard input, whatever `input` says
  Stream output = Stream::null;
  Stream error_output = Stream::null;
};

/// `sh -c TEXT`: for configured commands whose syntax is the shell's (knockd). TEXT never holds packet data.
std::vector<std::string> shell_argv(std::string text);

/// PATH (fixed), HOME, USER, LOGNAME and SHELL of a user, LANG=C: the environment of commands that strangers trigger.
struct User;
std::vector<std::string> minimal_environment(const User& user);

struct SpawnError {
  enum class Stage {
    pipe,   ///< no pipe, no memory file
    fork,   ///< no process
    setup,  ///< in the child: directory, user, groups, streams
    exec,   ///< in the child: the program cannot be run
  };
  Stage stage = Stage::exec;
  Error error;
  /// Another try may succeed: it is not the program that is missing or cannot be run.
  bool is_passing() const;
};

struct Spawned {
  pid_t pid = -1;
  Fd output;        ///< reading end, non-blocking, when captured
  Fd error_output;  ///< reading end, non-blocking, when captured
};

/// Starts the program: signals at their defaults and unblocked, every descriptor above 2 closed. Returns when it runs
/// or has failed to. The caller reaps (Children does).
Result<Spawned, SpawnError> spawn(const Command& command);

/// The wait status of a child that somebody else has reaped: as if SIGKILL had ended it. Neither a success nor a
/// refusal, because what it was to do may be done.
inline constexpr int status_unknown = 9;

/// How a child ended.
struct ChildExit {
  pid_t pid = -1;
  int wait_status = 0;
  bool is_timed_out = false;   ///< the time limit ended it
  std::string output;          ///< captured, at most the limit
  std::string error_output;    ///< captured, at most the limit
  bool is_output_cut = false;  ///< there was more of either, or it could not be read

  bool has_exited() const;    ///< by exit(), not by a signal
  int exit_code() const;      ///< of exit(); 0 after a signal
  int signal_number() const;  ///< 0 after exit()
  int shell_code() const;     ///< as a shell tells it: exit code, or 128 + signal
  bool is_success() const { return wait_status == 0; }
};

}  // namespace latchkey::os
