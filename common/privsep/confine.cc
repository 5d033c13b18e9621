// SPDX-License-Identifier: GPL-2.0-or-later
// The steps from a fork of the daemon to a confined process.
#include "config.h"

#include "common/privsep/confine.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "common/base/text.h"
#include "common/os/spawn.h"
#include "common/privsep/coverage.h"
#include "common/privsep/landlock.h"
#include "common/privsep/privileges.h"

namespace latchkey::privsep {
namespace {

constexpr int status_of_exception = 70;
constexpr std::size_t max_report_bytes = 64 * 1024;
/// First byte of what the child reports while it starts.
constexpr char told_confined = '+';
constexpr char told_failed = '-';

struct Target {
  bool is_root = false;  ///< started as root: there is something to give up
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};  ///< beside `gid`; none for a sensor
};

Result<Target> find_target(const ConfineOptions& options) {
  Target target{geteuid() == 0, geteuid(), getegid()};
  if (!target.is_root) return target;
  if (const auto& owner = options.owner) return Target{true, owner->uid, owner->gid, os::groups_of(*owner, owner->gid)};
  const std::string name = options.settings.user.empty() ? default_sensor_user() : options.settings.user;
  const auto user = os::find_user(name);
  if (!user) return fail(user.error());
  if (user->uid == 0 || user->gid == 0) return fail(Error{"sandbox user " + name + " is root", EINVAL});
  target.uid = user->uid;
  target.gid = user->gid;
  return target;
}

/// INT and HUP reach a whole terminal session, TERM a whole service: the end of the channel is what ends us.
void settle_signals() {
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// What the daemon was started with is not the owner's: programs would look for their files in another user's home.
Result<void> take_environment_of(const os::User& user) {
  clearenv();
  for (const std::string& entry : os::minimal_environment(user)) {
    const std::size_t sign = entry.find('=');
    if (setenv(entry.substr(0, sign).c_str(), entry.c_str() + sign + 1, 1) != 0) return fail(os_error("environment"));
  }
  return {};
}

using Notes = std::vector<std::string>;
constexpr std::string_view without_landlock = " runs without Landlock, which this kernel does not have";

/// What root gives up. The empty root and the bounding set may be out of reach in a container; the user never is.
Result<void> drop_root(const ConfineOptions& options, const Target& target, Notes& notes) {
  if (!target.is_root) {
    notes.push_back(options.name + " was not started as root and keeps its user and root directory");
    return drop_capabilities();
  }
  if (const auto emptied = empty_bounding_set(); !emptied) notes.push_back(options.name + ": " + emptied.error().text);
  if (!options.owner) {
    if (const auto entered = enter_empty_root(); !entered) {
      notes.push_back(options.name + " keeps the root directory: " + entered.error().text);
    }
  }
  if (auto changed = become_user(target.uid, target.gid, target.groups); !changed) return changed;
  return drop_capabilities();
}

/// Closed, it leaves no gap below the limit in which a descriptor would fit: it gets a number beyond.
Result<void> move_beyond(Fd& report, int first_forbidden) {
  if (report.get() >= first_forbidden) return {};
  Fd moved(fcntl(report.get(), F_DUPFD_CLOEXEC, first_forbidden));
  if (!moved) return fail(os_error("descriptors"));
  report = std::move(moved);
  return {};
}

Result<SensorDescriptors> limit_descriptors(unsigned spare, int channel, Fd& report) {
  const auto lowest = lowest_free_descriptor();
  if (!lowest) return fail(lowest.error());
  const int first_spare = std::min(*lowest, report.get());
  const int first_forbidden = first_spare + static_cast<int>(spare);
  if (auto moved = move_beyond(report, first_forbidden); !moved) return fail(moved.error());
  if (auto forbidden = forbid_resources(first_forbidden); !forbidden) return fail(forbidden.error());
  return SensorDescriptors{channel, report.get(), first_spare};
}

Result<void> enter_sandbox(const ConfineOptions& options, int channel, Fd& report, Notes& notes) {
  const bool is_filtered = options.settings.is_enabled && has_system_call_filter();
  const bool is_sensor = !options.owner;
  if (is_filtered && is_sensor) {
    if (const auto restricted = restrict_with_landlock(); !restricted) {
      const int code = restricted.error().os_code;
      const bool is_unknown = code == ENOSYS || code == EOPNOTSUPP;
      notes.push_back(options.name +
                      (is_unknown ? std::string(without_landlock) : " runs without " + restricted.error().text));
    }
  }
  if (!is_sensor) return is_filtered ? install_system_call_filter(options.profile) : Result<void>();
  const auto descriptors = limit_descriptors(options.spare_descriptors, channel, report);
  if (!descriptors) return fail(descriptors.error());
  return is_filtered ? install_system_call_filter(options.profile, *descriptors) : Result<void>();
}

void tell(const Fd& report, char verdict, const std::string& text) {
  // The parent takes the end of the pipe without a verdict as a failure.
  if (!write_all(report.get(), verdict + text)) return;
}

std::string join_lines(const Notes& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

Result<std::unique_ptr<ConfinedProgram>> confine(const ConfineOptions& options, const Target& target,
                                                 const MakeProgram& make, Channel channel, Fd& report, pid_t parent,
                                                 Notes& notes) {
  const int channel_number = channel.fd();
  prctl(PR_SET_NAME, options.name.c_str(), 0, 0, 0);
  setsid();
  settle_signals();
  std::vector<int> keep = options.keep;
  keep.push_back(channel_number);
  keep.push_back(report.get());
  if (auto closed = close_all_but(keep); !closed) return fail(closed.error());
  // The time zone is a file, and it is read at first use.
  tzset();
  auto program = make(std::move(channel));
  if (!program) return program;
  if (options.locks_memory && mlockall(MCL_CURRENT | MCL_ONFAULT) != 0) {
    notes.push_back(options.name + ": keys may be swapped to disk: " + os_error("mlockall").text);
  }
  if (options.owner) {
    if (auto taken = take_environment_of(*options.owner); !taken) return fail(taken.error());
  }
  write_coverage();
  if (auto dropped = drop_root(options, target, notes); !dropped) return fail(dropped.error());
  if (auto locked = lock_process(); !locked) return fail(locked.error());
  // The signal for the parent's death was set a moment ago: a parent that died before sends none.
  if (getppid() != parent) return fail(os_error("parent", ESRCH));
  if (auto entered = enter_sandbox(options, channel_number, report, notes); !entered) return fail(entered.error());
  return program;
}

/// No destructors and no exit handlers: they are the daemon's.
[[noreturn]] void end(int status) {
  write_coverage();
  _exit(status);
}

[[noreturn]] void be_confined(const ConfineOptions& options, const Target& target, const MakeProgram& make,
                              Channel channel, Fd report, pid_t parent) {
  int status = 1;
  // Exceptions end here: the stack below belongs to the daemon.
  try {
    Notes notes;
    auto program = confine(options, target, make, std::move(channel), report, parent, notes);
    if (!program) {
      tell(report, told_failed, program.error().text);
    } else {
      tell(report, told_confined, join_lines(notes));
      report.close();
      // Before the program's destructors: what libraries do to clean up need not pass the filter.
      end((*program)->run());
    }
  } catch (const std::exception&) {
    status = status_of_exception;
  }
  end(status);
}

/// Waits for the child's verdict. A child that did not make it is reaped.
Result<std::vector<std::string>> read_verdict(const Fd& report, pid_t pid) {
  const auto text = read_all(report.get(), max_report_bytes);
  if (text && text->starts_with(told_confined)) {
    Notes notes;
    for (const std::string_view line : split(std::string_view(*text).substr(1), '\n')) {
      if (!line.empty()) notes.emplace_back(line);
    }
    return notes;
  }
  kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (text && text->starts_with(told_failed)) return fail(Error{text->substr(1)});
  if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
    return fail(Error{"killed by signal " + std::to_string(WTERMSIG(status)) + " while it started"});
  }
  return fail(Error{"ended while it started"});
}

}  // namespace

bool is_about_old_kernel(std::string_view note) { return note.ends_with(without_landlock); }

std::string default_sensor_user() { return SENSOR_USER; }

Result<ConfinedProcess> start_confined(const ConfineOptions& options, const MakeProgram& make) {
  const auto target = find_target(options);
  if (!target) return fail(target.error());
  auto channels = Channel::make_pair();
  if (!channels) return fail(channels.error());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(os_error("pipe"));
  Fd out(ends[0]), in(ends[1]);
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail(os_error("fork"));
  if (pid == 0) be_confined(options, *target, make, std::move(channels->second), std::move(in), parent);
  in.close();
  channels->second.close();
  auto notes = read_verdict(out, pid);
  if (!notes) return fail(notes.error());
  return ConfinedProcess{pid, std::move(channels->first), *std::move(notes)};
}

}  // namespace latchkey::privsep
