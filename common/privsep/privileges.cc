// SPDX-License-Identifier: GPL-2.0-or-later
// Giving up privileges, each step checked.
#include "common/privsep/privileges.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include "common/base/fd.h"

namespace latchkey::privsep {
namespace {

/// Where the empty folder is made for the moment that it lives.
constexpr std::array<const char*, 5> places{RUNSTATEDIR, "/run", "/tmp", "/var/tmp", "/"};

void close_range_of(int first, int last) {
  if (first > last) return;
  if (syscall(SYS_close_range, static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0) return;
  const long open_max = sysconf(_SC_OPEN_MAX);
  const int end = std::min(last, open_max > 0 ? static_cast<int>(open_max) : 1024);
  for (int fd = first; fd <= end; ++fd) ::close(fd);
}

Result<void> limit(__rlimit_resource resource, rlim_t value) {
  const rlimit both{value, value};
  if (setrlimit(resource, &both) != 0) return fail(os_error("setrlimit"));
  return {};
}

/// chdir to a fresh folder and delete it. False: not possible in `place`.
bool enter_deleted_folder(const std::string& place) {
  std::string name = place + "/latchkey-empty-XXXXXX";
  if (!mkdtemp(name.data())) return false;
  const bool is_inside = chdir(name.c_str()) == 0;
  return rmdir(name.c_str()) == 0 && is_inside;
}

}  // namespace

Result<void> close_all_but(std::vector<int> keep) {
  std::ranges::sort(keep);
  for (int fd = 0; fd < 3; ++fd) {
    if (!std::ranges::binary_search(keep, fd)) ::close(fd);
  }
  int next = 3;
  for (const int fd : keep) {
    if (fd < next) continue;
    close_range_of(next, fd - 1);
    next = fd + 1;
  }
  close_range_of(next, std::numeric_limits<int>::max());
  for (int fd = 0; fd < 3; ++fd) {
    if (std::ranges::binary_search(keep, fd)) continue;
    // The lowest free number is `fd`: everything below is open.
    if (open("/dev/null", O_RDWR | O_NOCTTY) != fd) return fail(os_error("/dev/null"));
  }
  return {};
}

Result<void> enter_empty_root() {
  if (std::ranges::none_of(places, enter_deleted_folder)) return fail(os_error("empty root directory"));
  if (chroot(".") != 0) return fail(os_error("chroot"));
  if (chdir("/") != 0) return fail(os_error("empty root directory"));
  return {};
}

Result<void> empty_bounding_set() {
  capng_clear(CAPNG_SELECT_BOUNDS);
  if (capng_apply(CAPNG_SELECT_BOUNDS) != 0) return fail(os_error("capabilities", EPERM));
  return {};
}

Result<void> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  if (setgroups(groups.size(), groups.data()) != 0) return fail(os_error("setgroups"));
  if (setresgid(gid, gid, gid) != 0) return fail(os_error("setresgid"));
  if (setresuid(uid, uid, uid) != 0) return fail(os_error("setresuid"));
  if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) return fail(os_error("setresuid left a way back", EPERM));
  return {};
}

Result<void> drop_capabilities() {
  capng_clear(CAPNG_SELECT_CAPS);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return fail(os_error("capabilities", EPERM));
  return {};
}

Result<void> lock_process() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(os_error("PR_SET_NO_NEW_PRIVS"));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(os_error("PR_SET_DUMPABLE"));
  // A change of user clears it: therefore here, at the end.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail(os_error("PR_SET_PDEATHSIG"));
  return limit(RLIMIT_CORE, 0);
}

Result<int> lowest_free_descriptor() {
  const Fd lowest(fcntl(0, F_DUPFD_CLOEXEC, 0));
  if (!lowest) return fail(os_error("descriptors"));
  return lowest.get();
}

Result<void> forbid_resources(int first_forbidden) {
  if (auto done = limit(RLIMIT_NPROC, 0); !done) return done;
  if (auto done = limit(RLIMIT_FSIZE, 0); !done) return done;
  // Not 0 in any case: that would break poll().
  const auto count = static_cast<rlim_t>(first_forbidden);
  if (limit(RLIMIT_NOFILE, count)) return {};
  // Valgrind keeps the hard limit for descriptors of its own; the kernel lets everybody lower it.
  rlimit present{};
  getrlimit(RLIMIT_NOFILE, &present);
  present.rlim_cur = count;
  if (setrlimit(RLIMIT_NOFILE, &present) != 0) return fail(os_error("setrlimit"));
  return {};
}

}  // namespace latchkey::privsep
