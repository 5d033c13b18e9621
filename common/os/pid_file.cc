// SPDX-License-Identifier: GPL-2.0-or-later
// Pid files: locking, writing, looking.
#include "common/os/pid_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "common/base/text.h"
#include "common/os/files.h"

namespace latchkey::os {
namespace {

/// The largest pid that the peers read.
constexpr pid_t largest_pid = 8388608;
/// How long children of a holder that was killed may keep its lock: they end soon, or exec.
constexpr std::chrono::milliseconds heirs_step{10};
constexpr int heirs_steps = 200;

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::optional<pid_t> read_pid(int fd) {
  std::array<char, 64> text{};
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  if (got <= 0) return std::nullopt;
  const std::string_view all(text.data(), static_cast<std::size_t>(got));
  return parse_number<pid_t>(all.substr(0, all.find('\n')), 1, largest_pid);
}

PidFileError error_at(PidFileError::Stage stage, pid_t holder = 0) { return {stage, holder, os_error("")}; }

/// No such process, or one that only waits for its parent to ask how it ended.
bool has_ended(pid_t pid) {
  if (kill(pid, 0) != 0) return errno == ESRCH;
  const auto facts = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);  // "PID (NAME) STATE ..."
  const auto behind_name = facts ? facts->rfind(") ") : std::string::npos;
  return behind_name != std::string::npos && facts->compare(behind_name, 3, ") Z") == 0;
}

/// 0, or the errno of the last try.
int lock_whole_file(int fd) {
  for (int step = 0;; ++step) {
    struct flock lock = whole_file();
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
    const int failure = errno;
    const bool is_held = failure == EAGAIN || failure == EACCES;
    const auto holder = is_held ? read_pid(fd) : std::nullopt;
    if (!holder || !has_ended(*holder) || step == heirs_steps) return failure;
    std::this_thread::sleep_for(heirs_step);
  }
}

}  // namespace

Result<PidFile, PidFileError> PidFile::acquire(const std::string& path, mode_t mode) {
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode));
  if (!fd) return fail(error_at(PidFileError::Stage::open));
  if (const int failure = lock_whole_file(fd.get()); failure != 0) {
    errno = failure;
    if (failure != EAGAIN && failure != EACCES) return fail(error_at(PidFileError::Stage::lock));
    return fail(error_at(PidFileError::Stage::held, read_pid(fd.get()).value_or(0)));
  }
  PidFile file(path, std::move(fd));
  if (auto written = file.rewrite(); !written) {
    return fail(PidFileError{PidFileError::Stage::write, 0, written.error()});
  }
  return file;
}

Result<void> PidFile::rewrite() {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd_.get(), 0) != 0) return fail(os_error(""));
  const ssize_t written = pwrite(fd_.get(), text.data(), text.size(), 0);
  if (written < 0) return fail(os_error(""));
  if (static_cast<std::size_t>(written) != text.size()) return fail(os_error("", ENOSPC));
  if (fsync(fd_.get()) != 0) return fail(os_error(""));
  return {};
}

void PidFile::remove() {
  struct stat ours {
  }, named{};
  const bool is_ours = fd_ && fstat(fd_.get(), &ours) == 0 && lstat(path_.c_str(), &named) == 0 &&
                       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
  if (is_ours) unlink(path_.c_str());
  fd_.close();
}

Result<PidFileState> inspect_pid_file(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail(os_error(path));
  struct flock lock = whole_file();
  PidFileState state;
  state.pid = read_pid(fd.get());
  if (fcntl(fd.get(), F_OFD_GETLK, &lock) == 0) state.is_locked = lock.l_type != F_UNLCK;
  return state;
}

std::optional<std::string> process_name(pid_t pid) {
  const auto name = read_file("/proc/" + std::to_string(pid) + "/comm", 64);
  if (!name) return std::nullopt;
  return std::string(strip_right(*name));
}

}  // namespace latchkey::os
