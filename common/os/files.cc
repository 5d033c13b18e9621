// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and changing files safely.
#include "common/os/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace latchkey::os {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error about(const std::string& path, const Error& error) { return os_error(path, error.os_code); }

/// A rename or creation is on the disk only when its folder is.
void sync_folder(const std::string& path) {
  const Fd folder(open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) fsync(folder.get());
}

/// A new file of its own, with its text on the disk. The caller deletes it when this fails after creation.
Result<void> write_new(const std::string& path, std::string_view text, mode_t mode) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(os_error(path));
  Result<void> done = write_all(fd.get(), text);
  if (done && fchmod(fd.get(), mode) != 0) done = fail(os_error(""));
  if (done && fsync(fd.get()) != 0) done = fail(os_error(""));
  if (done) return {};
  unlink(path.c_str());
  return fail(about(path, done.error()));
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail(os_error(path));
  auto text = read_all(fd.get(), limit_bytes);
  if (!text) return fail(about(path, text.error()));
  return *std::move(text);
}

Result<void> replace_file_atomically(const std::string& path, std::string_view text, mode_t mode) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode))
    return fail(os_error(path, S_ISDIR(facts.st_mode) ? EISDIR : EINVAL));
  // A fixed name, so that a crash leaves one file at most, which the next call replaces.
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  if (auto written = write_new(temporary, text, mode); !written) return written;
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = os_error(path);
    unlink(temporary.c_str());
    return fail(error);
  }
  sync_folder(path);
  return {};
}

Result<void> create_file(const std::string& path, std::string_view text, mode_t mode) {
  if (auto written = write_new(path, text, mode); !written) return written;
  sync_folder(path);
  return {};
}

Result<void> make_folders(const std::string& path, mode_t mode) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string parent = path.substr(0, end);
    if (mkdir(parent.c_str(), mode) != 0 && errno != EEXIST) return fail(os_error(parent));
  }
  if (mkdir(path.c_str(), mode) == 0) return {};
  const int code = errno;
  struct stat status {};
  if (code == EEXIST && stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  // "/a/b/" has made "/a/b" above.
  return fail(os_error(path, code == EEXIST ? ENOTDIR : code));
}

}  // namespace latchkey::os
