// SPDX-License-Identifier: GPL-2.0-or-later
// Fd: a file descriptor with one owner.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace latchkey {

class Fd {
 public:
  Fd() = default;
  /// Takes ownership of `fd`; -1 owns nothing.
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  explicit operator bool() const { return is_open(); }
  /// Gives the descriptor away.
  int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

/// Writes all of `text`, repeating short and interrupted writes. Error: errno, without a subject.
Result<void> write_all(int fd, std::string_view text);

/// Reads to the end of file, at most `limit_bytes` (more is the error EFBIG).
Result<std::string> read_all(int fd, std::size_t limit_bytes);

}  // namespace latchkey
