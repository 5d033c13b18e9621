// SPDX-License-Identifier: GPL-2.0-or-later
// What the user types: lines of a descriptor, and keys from the controlling terminal (spec/fwknop-client.md 7.4).
#include "fwknop/terminal.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/fd.h"
#include "common/base/handle.h"

namespace latchkey::fwknop {
namespace {

constexpr char backspace = 0x08;
constexpr char rubout = 0x7f;
constexpr char interrupt = 0x03;
constexpr char kill_line = 0x15;

/// nullopt: end of file or an error.
std::optional<char> read_byte(int fd) {
  char byte = 0;
  ssize_t count = 0;
  do count = ::read(fd, &byte, 1);
  while (count < 0 && errno == EINTR);
  if (count != 1) return std::nullopt;
  return byte;
}

/// Echo, line editing and signal characters off for as long as it lives. Signals that would end or stop the program
/// wait until the terminal has its settings back; those that end it also end the waiting for a key.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) sigaddset(&ending, signal);
    sigset_t waiting = ending;
    sigaddset(&waiting, SIGTSTP);
    sigprocmask(SIG_BLOCK, &waiting, &mask_before_);
    signals_ = Fd(::signalfd(-1, &ending, SFD_CLOEXEC));
    is_silent_ = ::tcgetattr(fd, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~tcflag_t{ECHO | ICANON | ISIG};
    is_silent_ = is_silent_ && ::tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (is_silent_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  bool is_silent() const { return is_silent_; }

  /// nullopt: a signal waits, or the terminal is gone.
  std::optional<char> wait_for_byte() const {
    std::array<pollfd, 2> sources{pollfd{fd_, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    while (::poll(sources.data(), sources.size(), -1) < 0)
      if (errno != EINTR) return std::nullopt;
    if (sources[1].revents != 0) return std::nullopt;
    return read_byte(fd_);
  }

 private:
  int fd_;
  Fd signals_;
  bool is_silent_ = false;
  termios before_{};
  sigset_t mask_before_{};
};

const Error no_key{"[*] getpasswd() key error."};

}  // namespace

std::optional<std::string> read_line(int fd) {
  auto byte = read_byte(fd);
  if (!byte) return std::nullopt;
  std::string line;
  for (; byte && *byte != '\n'; byte = read_byte(fd)) line += *byte;
  return line;
}

KeyLine::State KeyLine::add(char byte) {
  if (byte == '\n' || (is_terminal_ && byte == '\r')) return State::complete;
  if (byte == interrupt) {
    size_ = 0;
    return is_terminal_ ? State::interrupted : State::complete;
  }
  if (byte == backspace || (is_terminal_ && byte == rubout)) {
    if (size_ > 0) --size_;
  } else if (byte == kill_line) {
    size_ = 0;
  } else if (size_ < longest) {
    key_.span()[size_++] = static_cast<std::byte>(byte);
  }
  return State::open;
}

crypto::SecretBytes KeyLine::take() {
  key_.shrink(size_);
  return std::move(key_);
}

Result<std::optional<crypto::SecretBytes>> read_key(int fd) {
  if (::fcntl(fd, F_GETFD) == -1)
    return fail(Error{fmt::format("getpasswd() - Unable to create a stream from the file descriptor : {}\n{}",
                                  std::strerror(errno), no_key.text)});
  auto byte = read_byte(fd);
  if (!byte) return std::optional<crypto::SecretBytes>();
  KeyLine line(false);
  while (byte && line.add(*byte) == KeyLine::State::open) byte = read_byte(fd);
  return std::optional<crypto::SecretBytes>(line.take());
}

Result<crypto::SecretBytes> ask_for_key(std::string_view prompt) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal) return fail(no_key);
  const SilentTerminal silence(terminal.get());
  if (!silence.is_silent() || !write_all(terminal.get(), prompt)) return fail(no_key);
  KeyLine line(true);
  auto state = KeyLine::State::open;
  for (auto byte = silence.wait_for_byte(); byte; byte = silence.wait_for_byte()) {
    state = line.add(*byte);
    if (state != KeyLine::State::open) break;
  }
  static_cast<void>(write_all(terminal.get(), "\n").ok());
  // Ctrl-C; or a signal, or a terminal that went away, in the middle of a key.
  if (state == KeyLine::State::interrupted) return fail(Error{});
  if (state != KeyLine::State::complete) return fail(no_key);
  return line.take();
}

}  // namespace latchkey::fwknop
