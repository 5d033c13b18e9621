// SPDX-License-Identifier: GPL-2.0-or-later
// Going to the background.
#include "common/os/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace latchkey::os {
namespace {

constexpr char is_ready = 'R';

/// What the launcher exits with when the daemon ended before it was ready.
int verdict(pid_t daemon) {
  int status = 0;
  while (waitpid(daemon, &status, 0) < 0) {
    if (errno != EINTR) return 1;
  }
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  // An end before readiness is a failure, whatever it calls itself.
  return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

[[noreturn]] void be_launcher(const Fd& pipe, pid_t daemon) {
  char word = 0;
  ssize_t got = 0;
  do {
    got = ::read(pipe.get(), &word, 1);
  } while (got < 0 && errno == EINTR);
  _exit(got == 1 && word == is_ready ? 0 : verdict(daemon));
}

}  // namespace

Result<DaemonStart> daemonize() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(os_error("pipe"));
  Fd out(ends[0]), in(ends[1]);
  // What is buffered would be written twice.
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return fail(os_error("fork"));
  if (pid > 0) {
    in.close();
    be_launcher(out, pid);
  }
  setsid();
  return DaemonStart(std::move(in));
}

Result<void> DaemonStart::ready() {
  if (!pipe_) return {};
  std::fflush(nullptr);
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail(os_error("/dev/null"));
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(null.get(), fd) < 0) return fail(os_error("/dev/null"));
  }
  if (chdir("/") != 0) return fail(os_error("/"));
  const auto told = write_all(pipe_.get(), std::string_view(&is_ready, 1));
  pipe_.close();
  // A launcher that was killed meanwhile does not matter to the daemon.
  if (!told && told.error().os_code != EPIPE) return told;
  return {};
}

Result<void> open_standard_streams() {
  for (int number = 0; number < 3; ++number) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one.
    if (open("/dev/null", O_RDWR | O_NOCTTY) < 0) return fail(os_error("/dev/null"));
  }
  return {};
}

}  // namespace latchkey::os
