// SPDX-License-Identifier: GPL-2.0-or-later
// Stands between a daemon and the C library (t/lib/preload.py): steps its calendar, lets the n-th call of a function
// fail.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

long syscall(long number, ...);
int close(int fd);

// In memory that the test shares: it outlives empty root and system-call filter.
static struct Control {
  long step_s;
  long is_for_all;  // the step: for the sensor, too
  long left;        // calls until the first that fails
  long times;       // that fail
  long error;
  long fired;
  char name[32];
} volatile* control;
// Faults are for the process that was started, and what it does between vfork and execve; not for the sensor.
static int is_forked;

static int fails(const char* name) {
  if (!control || is_forked || strcmp((const char*)control->name, name) != 0) return 0;
  const long number = control->left--;
  if (number > 1 || number <= 1 - control->times) return 0;
  control->fired++;
  errno = (int)control->error;
  return 1;
}

#define WRAP_AS(counted, result, name, parameters, arguments)          \
  static result(*real_##name) parameters;                              \
  __attribute__((constructor(200))) static void find_##name(void) {    \
    if (!real_##name) *(void**)&real_##name = dlsym(RTLD_NEXT, #name); \
  }                                                                    \
  result name parameters {                                             \
    if (!real_##name) find_##name();                                   \
    return fails(counted) ? (result)-1 : real_##name arguments;        \
  }
#define WRAP(result, name, parameters, arguments) WRAP_AS(#name, result, name, parameters, arguments)

// The last parameter of open is optional to callers only.
WRAP(int, open, (const char* path, int flags, unsigned mode), (path, flags, mode))
WRAP_AS("open", int, open64, (const char* path, int flags, unsigned mode), (path, flags, mode))
WRAP_AS("open", int, __open_2, (const char* path, int flags), (path, flags))
WRAP_AS("open", int, __open64_2, (const char* path, int flags), (path, flags))
WRAP(ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))
WRAP_AS("read", ssize_t, __read_chk, (int fd, void* to, size_t size, size_t room), (fd, to, size, room))
WRAP(ssize_t, pread, (int fd, void* to, size_t size, off_t at), (fd, to, size, at))
WRAP_AS("pread", ssize_t, pread64, (int fd, void* to, size_t size, off_t at), (fd, to, size, at))
WRAP_AS("pread", ssize_t, __pread64_chk, (int fd, void* to, size_t size, off_t at, size_t room),
        (fd, to, size, at, room))
WRAP(ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size))
WRAP(ssize_t, pwrite, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at))
WRAP_AS("pwrite", ssize_t, pwrite64, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
WRAP_AS("ftruncate", int, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(off_t, lseek, (int fd, off_t to, int from), (fd, to, from))
WRAP_AS("lseek", off_t, lseek64, (int fd, off_t to, int from), (fd, to, from))
WRAP(int, rename, (const char* from, const char* to), (from, to))
WRAP(int, execve, (const char* path, char* const* argv, char* const* environment), (path, argv, environment))
WRAP(int, dup2, (int from, int to), (from, to))
WRAP(pid_t, waitpid, (pid_t pid, int* status, int options), (pid, status, options))
WRAP(int, pipe2, (int* ends, int flags), (ends, flags))
WRAP(int, memfd_create, (const char* name, unsigned flags), (name, flags))
WRAP(int, socketpair, (int family, int type, int protocol, int* ends), (family, type, protocol, ends))
WRAP(ssize_t, send, (int fd, const void* from, size_t size, int flags), (fd, from, size, flags))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr* message, int flags), (fd, message, flags))
WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
WRAP(int, epoll_ctl, (int fd, int what, int target, struct epoll_event* event), (fd, what, target, event))
WRAP(int, timerfd_settime, (int fd, int flags, const struct itimerspec* value, struct itimerspec* old),
     (fd, flags, value, old))

// A jump, not a call: both returns of vfork would go through this function's frame.
WRAP(pid_t, vfork, (void), ())

static pid_t (*real_fork)(void);
pid_t fork(void) {
  if (fails("fork")) return -1;
  if (!real_fork) *(void**)&real_fork = dlsym(RTLD_NEXT, "fork");
  const pid_t pid = real_fork();
  if (pid == 0) is_forked = 1;
  return pid;
}

void* __libc_malloc(size_t size);
void* malloc(size_t size) { return fails("malloc") ? 0 : __libc_malloc(size); }

int clock_gettime(clockid_t id, struct timespec* now) {
  const long result = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME && control && (control->is_for_all || !is_forked)) now->tv_sec += control->step_s;
  return (int)result;
}

__attribute__((constructor(201))) static void map_control(void) {
  const int fd = open(getenv("PRELOAD_CONTROL"), 02, 0);  // O_RDWR
  void* const mapped = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
  unsetenv("LD_PRELOAD");  // not for the programs that the daemon runs
}
