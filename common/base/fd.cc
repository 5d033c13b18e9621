// SPDX-License-Identifier: GPL-2.0-or-later
// Closing, writing and reading descriptors completely.
#include "common/base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/bytes.h"

namespace latchkey {
namespace {

/// For pipes, devices and /proc, which do not tell their size.
constexpr std::size_t least_buffer = 4096;

}  // namespace

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
  // Sized by the file and read in place: what is read may be a key, and no buffer that had to grow keeps a part of it.
  struct stat facts {};
  const std::size_t size = ::fstat(fd, &facts) == 0 ? static_cast<std::size_t>(facts.st_size) : 0;
  std::string text(std::min(std::max(size, least_buffer), limit_bytes) + 1, '\0');
  std::size_t used = 0;
  for (;;) {
    const ssize_t count = ::read(fd, text.data() + used, text.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(os_error(""));
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > limit_bytes) return fail(os_error("", EFBIG));
    if (used < text.size()) continue;
    std::string larger(text.size() * 2, '\0');
    larger.replace(0, used, text);
    wipe(text);
    text = std::move(larger);
  }
  text.resize(used);
  return text;
}

}  // namespace latchkey
