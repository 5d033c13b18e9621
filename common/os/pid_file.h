// SPDX-License-Identifier: GPL-2.0-or-later
// PidFile: one daemon a pid file, by an open-file-description lock that the peers' POSIX locks see too.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

struct PidFileError {
  enum class Stage { open, held, lock, read, write };
  Stage stage = Stage::open;
  pid_t holder = 0;  ///< held: the pid in the file, 0 when unreadable
  Error error;       ///< error.text is the errno text alone
};

/// Holds the lock for its life; closing alone leaves the file.
class PidFile {
 public:
  /// Opens (never through a symbolic link in the last place), locks, empties, writes "PID\n" of this process, fsyncs.
  /// `mode` less the umask when created. Children of a holder that was killed inherit its lock: while they end, two
  /// seconds at most, it waits.
  static Result<PidFile, PidFileError> acquire(const std::string& path, mode_t mode);
  const std::string& path() const { return path_; }
  /// Writes the pid of the calling process: after daemonizing.
  Result<void> rewrite();
  /// Deletes the file if it is still the one that we hold, and releases the lock.
  void remove();

 private:
  PidFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  Fd fd_;
};

struct PidFileState {
  std::optional<pid_t> pid;  ///< first line, when it is a positive number and nothing else
  bool is_locked = false;
};
/// Looks without writing. Error: the file cannot be opened (ENOENT: there is none).
Result<PidFileState> inspect_pid_file(const std::string& path);

/// The kernel's name of a running process (at most 15 bytes); nullopt when there is no such process.
std::optional<std::string> process_name(pid_t pid);

}  // namespace latchkey::os
