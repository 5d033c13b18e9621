// SPDX-License-Identifier: GPL-2.0-or-later
// Starting programs with vfork and execve; everything that allocates happens before the fork.
#include "common/os/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/base/text.h"
#include "common/os/user.h"

namespace latchkey::os {
namespace {

constexpr const char* shell_path = "/bin/sh";
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the child tells through the pipe when it cannot start the program.
struct Report {
  SpawnError::Stage stage;
  int code;
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Without the notify socket: what a command starts (openvpn, say) would declare itself the main process of our
/// service.
std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry && *entry; ++entry) {
    if (!std::string_view(*entry).starts_with("NOTIFY_SOCKET=")) entries.emplace_back(*entry);
  }
  return entries;
}

/// The files to try for a program name, in order.
std::vector<std::string> candidates(const std::string& program, const std::vector<std::string>& environment) {
  std::vector<std::string> files;
  if (program.empty()) return files;
  if (program.find('/') != std::string::npos) {
    files.push_back(program);
    return files;
  }
  std::string_view path = default_path;
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  }
  for (const std::string_view folder : split(path, ':')) {
    files.push_back(folder.empty() ? program : std::string(folder) + "/" + program);
  }
  return files;
}

/// All that the child needs, laid out before the fork: between vfork and execve it may only make system calls.
struct Plan {
  std::vector<std::string> environment;
  std::vector<std::string> files;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<char*> script_argv;  ///< /bin/sh FILE ARGUMENTS, for files without "#!"; [1] is set in the child
  const Command* command = nullptr;
  std::array<int, 3> streams{-1, -1, -1};  ///< what becomes 0, 1, 2; -1 = stays
  int report = -1;
};

/// execvp's rules: EACCES is remembered and the search goes on; a missing file lets it go on silently.
int exec_first(Plan& plan) {
  int code = ENOENT;
  for (const std::string& file : plan.files) {
    execve(file.c_str(), plan.argv.data(), plan.envp.data());
    if (errno == ENOEXEC) {
      plan.script_argv[1] = const_cast<char*>(file.c_str());
      execve(shell_path, plan.script_argv.data(), plan.envp.data());
      return errno;
    }
    if (errno == EACCES) {
      code = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ETIMEDOUT && errno != ENODEV) {
      return errno;
    }
  }
  return code;
}

void reset_signals() {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  // Signals that the C library keeps for itself refuse the change, which is right.
  for (int number = 1; number < NSIG; ++number) sigaction(number, &by_default, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool place_streams(const Plan& plan) {
  for (int target = 0; target < 3; ++target) {
    const int source = plan.streams[static_cast<std::size_t>(target)];
    if (source >= 0 && dup2(source, target) < 0) return false;
  }
  return true;
}

/// The library calls for groups and ids would signal other threads; there are none.
bool take_identity(const Identity& identity) {
  return setgroups(identity.groups.size(), identity.groups.data()) == 0 &&
         setresgid(identity.gid, identity.gid, identity.gid) == 0 &&
         setresuid(identity.uid, identity.uid, identity.uid) == 0;
}

void close_the_rest() {
  if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  // Old kernels: our own descriptors are close-on-exec already, this is for inherited ones.
  for (int fd = 3; fd < 1024; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

bool set_up(const Plan& plan) {
  const Command& command = *plan.command;
  if (command.new_session && setsid() < 0) return false;
  if (!place_streams(plan)) return false;
  close_the_rest();
  if (!command.directory.empty() && chdir(command.directory.c_str()) != 0) return false;
  if (command.umask) umask(*command.umask);
  return !command.identity || take_identity(*command.identity);
}

[[noreturn]] void be_child(Plan& plan) {
  Report report{SpawnError::Stage::setup, 0};
  reset_signals();
  if (set_up(plan)) {
    report.stage = SpawnError::Stage::exec;
    report.code = exec_first(plan);
  } else {
    report.code = errno;
  }
  // Nothing can be done when even this fails: the caller then sees status 127.
  if (::write(plan.report, &report, sizeof report) < 0) _exit(126);
  _exit(127);
}

/// vfork in a function of its own: its variables are all set before, none after.
[[gnu::noinline]] pid_t fork_child(Plan& plan) {
  const pid_t pid = vfork();
  if (pid == 0) be_child(plan);
  return pid;
}

/// A descriptor above 2, so that placing the streams never overwrites one that is still needed.
Fd above_streams(Fd fd) {
  if (!fd || fd.get() > 2) return fd;
  return Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

struct Pipe {
  Fd out, in;
};
Result<Pipe, SpawnError> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(SpawnError{SpawnError::Stage::pipe, os_error("")});
  Pipe pipe{above_streams(Fd(ends[0])), above_streams(Fd(ends[1]))};
  if (!pipe.out || !pipe.in) return fail(SpawnError{SpawnError::Stage::pipe, os_error("")});
  return pipe;
}

Result<Fd, SpawnError> file_with(const std::string& text) {
  Fd fd = above_streams(Fd(memfd_create("input", MFD_CLOEXEC)));
  if (!fd) return fail(SpawnError{SpawnError::Stage::pipe, os_error("")});
  const auto written = write_all(fd.get(), text);
  if (!written) return fail(SpawnError{SpawnError::Stage::pipe, written.error()});
  if (lseek(fd.get(), 0, SEEK_SET) != 0) return fail(SpawnError{SpawnError::Stage::pipe, os_error("")});
  return fd;
}

/// The descriptors of one start that close when it is done.
struct Streams {
  Fd null, input, output_in, error_in;
};

Result<void, SpawnError> open_streams(const Command& command, Plan& plan, Streams& streams, Spawned& spawned) {
  streams.null = above_streams(Fd(open("/dev/null", O_RDWR | O_CLOEXEC)));
  if (!streams.null) return fail(SpawnError{SpawnError::Stage::pipe, os_error("/dev/null")});
  if (!command.input_text.empty()) {
    auto file = file_with(command.input_text);
    if (!file) return fail(file.error());
    streams.input = std::move(*file);
    plan.streams[0] = streams.input.get();
  } else if (command.input != Stream::inherit) {
    plan.streams[0] = streams.null.get();
  }
  const auto place = [&](Stream kind, std::size_t target, Fd& in, Fd& out) -> Result<void, SpawnError> {
    if (kind == Stream::null) plan.streams[target] = streams.null.get();
    if (kind == Stream::merge) plan.streams[target] = 1;  // placed already: targets are placed in order
    if (kind != Stream::capture) return {};
    auto pipe = make_pipe();
    if (!pipe) return fail(pipe.error());
    fcntl(pipe->out.get(), F_SETFL, O_NONBLOCK);
    in = std::move(pipe->in);
    out = std::move(pipe->out);
    plan.streams[target] = in.get();
    return {};
  };
  if (auto placed = place(command.output, 1, streams.output_in, spawned.output); !placed) return placed;
  return place(command.error_output, 2, streams.error_in, spawned.error_output);
}

}  // namespace

std::vector<std::string> shell_argv(std::string text) { return {"sh", "-c", std::move(text)}; }

std::vector<std::string> minimal_environment(const User& user) {
  return {std::string("PATH=") + default_path,
          "HOME=" + user.home,
          "USER=" + user.name,
          "LOGNAME=" + user.name,
          "SHELL=" + user.shell,
          "LANG=C"};
}

Result<Spawned, SpawnError> spawn(const Command& command) {
  if (command.argv.empty()) return fail(SpawnError{SpawnError::Stage::exec, os_error("", ENOENT)});
  Plan plan;
  plan.command = &command;
  plan.environment = command.environment ? *command.environment : own_environment();
  plan.files = candidates(command.argv[0], plan.environment);
  plan.argv = pointers_to(command.argv);
  plan.envp = pointers_to(plan.environment);
  plan.script_argv.push_back(const_cast<char*>(shell_path));
  for (char* argument : plan.argv) plan.script_argv.push_back(argument);
  if (plan.files.empty()) return fail(SpawnError{SpawnError::Stage::exec, os_error("", ENOENT)});

  Spawned spawned;
  Streams streams;
  if (auto opened = open_streams(command, plan, streams, spawned); !opened) return fail(opened.error());
  auto report_pipe = make_pipe();
  if (!report_pipe) return fail(report_pipe.error());
  plan.report = report_pipe->in.get();

  // No signal may reach the child while it still shares our memory and our handlers.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  spawned.pid = fork_child(plan);
  const int fork_code = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (spawned.pid < 0) return fail(SpawnError{SpawnError::Stage::fork, os_error("", fork_code)});

  report_pipe->in.close();
  Report report{};
  ssize_t got = 0;
  do {
    got = ::read(report_pipe->out.get(), &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof report)) return spawned;
  while (waitpid(spawned.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return fail(SpawnError{report.stage, os_error("", report.code)});
}

bool SpawnError::is_passing() const {
  constexpr std::array passing{EAGAIN, ENOMEM, EIO, EMFILE, ENFILE, EINTR, ETXTBSY};
  return stage != Stage::exec || std::ranges::find(passing, error.os_code) != passing.end();
}

bool ChildExit::has_exited() const { return WIFEXITED(wait_status); }
int ChildExit::exit_code() const { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0; }
int ChildExit::signal_number() const { return WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0; }
int ChildExit::shell_code() const { return has_exited() ? exit_code() : 128 + signal_number(); }

}  // namespace latchkey::os
