// SPDX-License-Identifier: GPL-2.0-or-later
// systemd's notify protocol: a datagram to the socket that $NOTIFY_SOCKET names.
#include "common/os/notify.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "common/base/fd.h"

namespace latchkey::os {

Result<void> notify_service(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || !*path) return {};
  const std::string_view name(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || name.size() >= sizeof address.sun_path) {
    return fail(os_error("NOTIFY_SOCKET", EINVAL));
  }
  std::ranges::copy(name, address.sun_path);
  if (name[0] == '@') address.sun_path[0] = '\0';  // Linux's abstract names
  const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(os_error("NOTIFY_SOCKET"));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const void* generic = &address;
  if (sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, static_cast<const sockaddr*>(generic), size) < 0) {
    return fail(os_error("NOTIFY_SOCKET"));
  }
  return {};
}

Result<void> notify_ready() { return notify_service("READY=1\nMAINPID=" + std::to_string(getpid())); }

Result<void> notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long microseconds = static_cast<long long>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
  return notify_service("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

bool is_journal(int fd) {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream && fstat(fd, &status) == 0 &&
         std::string_view(stream) == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace latchkey::os
