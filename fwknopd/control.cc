// SPDX-License-Identifier: GPL-2.0-or-later
// -S, -R, -K.
#include "fwknopd/control.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <thread>

#include "common/base/fd.h"
#include "common/os/pid_file.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::chrono::milliseconds term_patience{4000};
constexpr std::chrono::milliseconds kill_patience{1000};
constexpr std::chrono::milliseconds reaping_patience{500};

constexpr const char* none_running = "No running fwknopd detected.\n";

// A process descriptor: the pid can be nobody else's while it is open. A kernel without it gives none.
Fd open_process(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

// Also of one that has ended and only waits for its parent.
bool is_dead(const Fd& process) {
  pollfd watch{.fd = process.get(), .events = POLLIN, .revents = 0};
  return process && ::poll(&watch, 1, 0) == 1;
}

// The process that the pid file names, if it is one of ours: a stale pid may belong to anybody by now.
std::optional<pid_t> find_daemon(const Settings& settings) {
  struct stat facts {};
  if (::stat(settings.pid_file.c_str(), &facts) != 0) {
    if (settings.foreground && settings.verbosity > 0)
      fmt::print(stderr, "Error trying to open PID file: : {}\n", std::strerror(errno));
    return std::nullopt;
  }
  if (!S_ISREG(facts.st_mode)) {
    fmt::print(stderr, "[-] file: {} is not a regular file or symbolic link.\nverify_file_perms_ownership() error\n",
               settings.pid_file);
    return std::nullopt;
  }
  if ((facts.st_mode & 0777) != 0600)
    fmt::print(stderr, "[-] file: {} permissions should only be user read/write (0600, -rw-------)\n",
               settings.pid_file);
  if (facts.st_uid != ::getuid())
    fmt::print(stderr, "[-] file: {} not owned by current effective user id\n", settings.pid_file);
  const auto state = os::inspect_pid_file(settings.pid_file);
  if (!state || !state->pid) return std::nullopt;
  if (state->is_locked) return state->pid;
  const bool is_ours = os::process_name(*state->pid) == "fwknopd" && !is_dead(open_process(*state->pid));
  return is_ours ? state->pid : std::nullopt;
}

// Until the process is reaped: nothing answers to its pid any more.
bool is_gone(pid_t pid, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds step(10);
  for (auto waited = std::chrono::milliseconds(0); ::kill(pid, 0) == 0; waited += step) {
    if (waited >= patience) return false;
    std::this_thread::sleep_for(step);
  }
  return true;
}

bool has_ended(const Fd& process, pid_t pid, std::chrono::milliseconds patience) {
  if (!process) return is_gone(pid, patience);
  pollfd watch{.fd = process.get(), .events = POLLIN, .revents = 0};
  if (::poll(&watch, 1, static_cast<int>(patience.count())) != 1) return false;
  // A parent that is slow to reap does not make it less dead.
  static_cast<void>(is_gone(pid, reaping_patience));
  return true;
}

int complain(const char* what) {
  fmt::print(stderr, "{}: : {}\n", what, std::strerror(errno));
  return 1;
}

}  // namespace

int tell_status(const Settings& settings) {
  const auto state = os::inspect_pid_file(settings.pid_file);
  if (state && state->is_locked) {
    fmt::print("Detected fwknopd is running (pid={}).\n", state->pid.value_or(0));
    return 0;
  }
  fmt::print("{}", none_running);
  return 1;
}

int send_restart(const Settings& settings) {
  const auto pid = find_daemon(settings);
  if (!pid) {
    fmt::print("{}", none_running);
    return 1;
  }
  if (::kill(*pid, SIGHUP) != 0) return complain("Unable to send signal to fwknop");
  fmt::print("Sent restart signal to fwknopd (pid={})\n", *pid);
  return 0;
}

int kill_daemon(const Settings& settings) {
  const auto pid = find_daemon(settings);
  if (!pid) {
    fmt::print(stderr, "{}", none_running);
    return 1;
  }
  const Fd process = open_process(*pid);
  if (::kill(*pid, SIGTERM) != 0) return complain("Unable to kill fwknop");
  if (has_ended(process, *pid, std::chrono::milliseconds(0))) {
    fmt::print("Killed fwknopd (pid={})\n", *pid);
    return 0;
  }
  if (has_ended(process, *pid, term_patience)) {
    fmt::print("Killed fwknopd (pid={}) via SIGTERM\n", *pid);
    return 0;
  }
  if (::kill(*pid, SIGKILL) == 0 && has_ended(process, *pid, kill_patience)) {
    fmt::print("Killed fwknopd (pid={}) via SIGKILL\n", *pid);
    return 0;
  }
  return complain("Unable to kill fwknop");
}

}  // namespace latchkey::fwknopd
