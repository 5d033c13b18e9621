// SPDX-License-Identifier: GPL-2.0-or-later
// The system-call filters, with libseccomp.
#include "config.h"

#include "common/privsep/sandbox.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#if LATCHKEY_SANDBOX
#include <linux/sched.h>
#include <seccomp.h>

#include "common/base/handle.h"
#endif

namespace latchkey::privsep {

#if LATCHKEY_SANDBOX
namespace {

using Filter = std::unique_ptr<void, Deleter<seccomp_release>>;

/// What a process needs that reads prepared descriptors and computes.
constexpr auto sensor_calls = std::to_array<int>({
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(fstat),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(lseek),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mremap),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pread64),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),
    SCMP_SYS(time),
    SCMP_SYS(timerfd_settime),
});

/// What libraries try in good faith, and take a refusal of: time zones, message catalogues, entropy sources.
constexpr auto refused_calls = std::to_array<int>({
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(stat),
    SCMP_SYS(statx),
});

/// What a process that only runs gpg never does.
constexpr auto gpg_refused_calls = std::to_array<int>({
    SCMP_SYS(acct),
    SCMP_SYS(add_key),
    SCMP_SYS(bpf),
    SCMP_SYS(chroot),
    SCMP_SYS(clock_settime),
    SCMP_SYS(delete_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(fsopen),
    SCMP_SYS(init_module),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(ioperm),
    SCMP_SYS(iopl),
    SCMP_SYS(kexec_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(mount),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(open_tree),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pivot_root),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(ptrace),
    SCMP_SYS(quotactl),
    SCMP_SYS(reboot),
    SCMP_SYS(request_key),
    SCMP_SYS(setdomainname),
    SCMP_SYS(sethostname),
    SCMP_SYS(setns),
    SCMP_SYS(settimeofday),
    SCMP_SYS(swapoff),
    SCMP_SYS(swapon),
    SCMP_SYS(syslog),
    SCMP_SYS(umount2),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
});

Error filter_error(int code) { return os_error("system-call filter", -code); }

/// Collects the first error of a series of rules.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  template <class... C>
  void add(std::uint32_t action, int call, C... conditions) {
    if (code_ < 0) return;
    const std::array<scmp_arg_cmp, sizeof...(C)> all{conditions...};
    const int code = seccomp_rule_add_array(filter_, action, call, static_cast<unsigned>(all.size()), all.data());
    // A call that this architecture does not have needs no rule.
    if (code != -EDOM && code != -EINVAL) code_ = code;
  }
  int code() const { return code_; }

 private:
  scmp_filter_ctx filter_;
  int code_ = 0;
};

/// A packet socket sends any packet that it is given: nobody but the monitor must get what a sensor knows. A channel
/// that is closed could come back under the same number, as a connection: it stays.
void add_descriptor_rules(Rules& rules, const SensorDescriptors& descriptors) {
  const auto number = [](int fd) { return static_cast<scmp_datum_t>(fd); };
  for (const int call : {SCMP_SYS(sendto), SCMP_SYS(sendmsg)})
    rules.add(SCMP_ACT_ALLOW, call, SCMP_A0_64(SCMP_CMP_EQ, number(descriptors.channel), 0));
  for (const int call : {SCMP_SYS(write), SCMP_SYS(writev)}) {
    rules.add(SCMP_ACT_ALLOW, call, SCMP_A0_64(SCMP_CMP_LE, number(STDERR_FILENO), 0));
    rules.add(SCMP_ACT_ALLOW, call, SCMP_A0_64(SCMP_CMP_EQ, number(descriptors.report), 0));
  }
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(close), SCMP_A0_64(SCMP_CMP_GE, number(descriptors.first_spare), 0));
  rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(close), SCMP_A0_64(SCMP_CMP_LT, number(descriptors.first_spare), 0));
}

void add_sensor_rules(Rules& rules, Profile profile) {
  // fwknopd's TCP server takes connections of the listening socket that it was given.
  if (profile == Profile::fwknopd_sensor) {
    for (const int call : {SCMP_SYS(accept4), SCMP_SYS(shutdown)}) rules.add(SCMP_ACT_ALLOW, call);
  }
  for (const int call : sensor_calls) rules.add(SCMP_ACT_ALLOW, call);
  for (const int call : refused_calls) rules.add(SCMP_ACT_ERRNO(EACCES), call);
  // Memory, but never executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)}) {
    rules.add(SCMP_ACT_ALLOW, call, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  }
  // libpcap asks why a packet socket has failed.
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_EQ, SIOCGIFFLAGS, 0));
}

/// Addresses and one-time sequences change while knockd runs, and the filter of its captures with them.
void add_filter_rules(Rules& rules) {
  for (const int option : {SO_ATTACH_FILTER, SO_DETACH_FILTER}) {
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), SCMP_A1_64(SCMP_CMP_EQ, SOL_SOCKET, 0),
              SCMP_A2_64(SCMP_CMP_EQ, static_cast<scmp_datum_t>(option), 0));
  }
  // libpcap empties the socket without waiting while it replaces the filter.
  for (const int command : {F_GETFL, F_SETFL}) {
    for (const int call : {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)}) {
      rules.add(SCMP_ACT_ALLOW, call, SCMP_A1_64(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command), 0));
    }
  }
}

void add_gpg_rules(Rules& rules) {
  for (const int call : gpg_refused_calls) rules.add(SCMP_ACT_ERRNO(EPERM), call);
  // gpg speaks to its agent through the file system and to nobody else.
  rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_NE, AF_UNIX, 0));
  // clone3 hides its flags from a filter; libraries go back to clone.
  rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
}

}  // namespace

bool has_system_call_filter() { return true; }

Result<void> install_system_call_filter(Profile profile, const SensorDescriptors& descriptors) {
  const bool is_sensor = profile != Profile::gpg_helper;
  const Filter filter(seccomp_init(is_sensor ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW));
  if (!filter) return fail(filter_error(-ENOMEM));
  int code = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (code < 0) return fail(filter_error(code));
  Rules rules(filter.get());
  if (is_sensor) {
    add_sensor_rules(rules, profile);
    add_descriptor_rules(rules, descriptors);
    if (profile == Profile::knockd_sensor) add_filter_rules(rules);
  } else {
    add_gpg_rules(rules);
  }
  if (rules.code() < 0) return fail(filter_error(rules.code()));
  // A binary tree: the calls of the packet path do not pay for the length of the list. Older libraries lack it.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  code = seccomp_load(filter.get());
  if (code < 0) return fail(filter_error(code));
  return {};
}

#else

bool has_system_call_filter() { return false; }
Result<void> install_system_call_filter(Profile, const SensorDescriptors&) { return {}; }

#endif

}  // namespace latchkey::privsep
