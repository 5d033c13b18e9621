// SPDX-License-Identifier: GPL-2.0-or-later
// Closing, writing and reading descriptors completely.
#include "common/base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace latchkey {

void Fd::close() {
  // EINTR from close() leaves the descriptor closed on Linux: never repeat it.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(os_error(""));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_all(int fd, std::size_t limit_bytes) {
  std::string text;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    text.reserve(std::min(limit_bytes, static_cast<std::size_t>(status.st_size)));  // large files: no doubling
  }
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(os_error(""));
    }
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > limit_bytes) return fail(os_error("", EFBIG));
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace latchkey
