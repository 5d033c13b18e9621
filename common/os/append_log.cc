// SPDX-License-Identifier: GPL-2.0-or-later
// Appending lines that survive a crash and a full disk.
#include "common/os/append_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace latchkey::os {
namespace {

Result<void> write_and_sync(int fd, std::string_view text) {
  if (auto written = write_all(fd, text); !written) return written;
  if (fdatasync(fd) != 0) return fail(os_error(""));
  return {};
}

/// Where the last complete line ends: behind the last "\n", 0 without any.
Result<off_t> end_of_last_line(int fd, off_t size) {
  std::array<char, 4096> block{};
  while (size > 0) {
    const off_t start = std::max<off_t>(0, size - static_cast<off_t>(block.size()));
    const ssize_t got = pread(fd, block.data(), static_cast<std::size_t>(size - start), start);
    if (got <= 0) return fail(os_error("", got < 0 ? errno : EIO));
    const std::string_view text(block.data(), static_cast<std::size_t>(got));
    if (const std::size_t found = text.rfind('\n'); found != std::string_view::npos) {
      return start + static_cast<off_t>(found) + 1;
    }
    size = start;
  }
  return off_t{0};
}

}  // namespace

Result<AppendLog> AppendLog::open(const std::string& path, const Options& options) {
  AppendLog log(path, options);
  if (auto opened = log.reopen(); !opened) return fail(opened.error());
  return log;
}

Result<void> AppendLog::reopen() {
  const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (options_.follow_symlink ? 0 : O_NOFOLLOW);
  fd_.close();
  Fd fd(::open(path_.c_str(), flags));
  const bool is_new = !fd && errno == ENOENT;
  // O_EXCL does not follow a link to nowhere, which an administrator may have made on purpose.
  if (is_new) fd = Fd(::open(path_.c_str(), flags | O_CREAT | (options_.follow_symlink ? 0 : O_EXCL), options_.mode));
  if (!fd) return fail(os_error(path_));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return fail(os_error(path_));
  if (!S_ISREG(status.st_mode)) return fail(os_error(path_, EINVAL));
  fd_ = std::move(fd);
  if (!is_new && status.st_size > 0) return repair_last_line();
  // The umask may have taken bits that were asked for.
  if (is_new && fchmod(fd_.get(), options_.mode) != 0) return fail(os_error(path_));
  return options_.header.empty() ? Result<void>() : append_lines(options_.header + "\n");
}

Result<void> AppendLog::repair_last_line() {
  const off_t size = lseek(fd_.get(), 0, SEEK_END);
  if (size < 0) return fail(os_error(path_));
  const auto end = end_of_last_line(fd_.get(), size);
  if (!end) return fail(os_error(path_, end.error().os_code));
  if (*end == size) return {};
  if (options_.torn_line == Options::TornLine::end_it) return append_lines("\n");
  if (ftruncate(fd_.get(), *end) != 0 || fdatasync(fd_.get()) != 0) return fail(os_error(path_));
  return {};
}

bool AppendLog::is_still_there() const {
  struct stat ours {
  }, named{};
  return fd_ && fstat(fd_.get(), &ours) == 0 && stat(path_.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

Result<std::string> AppendLog::read(std::size_t limit_bytes) const {
  if (lseek(fd_.get(), 0, SEEK_SET) < 0) return fail(os_error(path_));
  auto text = read_all(fd_.get(), limit_bytes);
  if (!text) return fail(os_error(path_, text.error().os_code));
  return *std::move(text);
}

Result<void> AppendLog::append(std::string_view line) { return append_lines(std::string(line) + "\n"); }

Result<void> AppendLog::append_lines(std::string_view lines) {
  if (!is_still_there()) {
    if (auto opened = reopen(); !opened) return opened;
  }
  const off_t before = lseek(fd_.get(), 0, SEEK_END);
  if (before < 0) return fail(os_error(path_));
  const auto written = write_and_sync(fd_.get(), lines);
  if (written) return {};
  // Half a line must not glue itself to the next one. When even this fails, the next opening repairs it.
  if (ftruncate(fd_.get(), before) != 0) fd_.close();
  return fail(os_error(path_, written.error().os_code));
}

}  // namespace latchkey::os
