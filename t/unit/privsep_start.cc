// SPDX-License-Identifier: GPL-2.0-or-later
// How a confined process begins and ends: whose user it may take, what it leaves behind, the death of its parent.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include "common/os/files.h"
#include "common/privsep/confine.h"
#include "common/privsep/landlock.h"
#include "t/lib/confined_probe.h"

namespace latchkey::privsep {
namespace {

using test::ask_in_child;
using test::Probe;
using test::run_confined;
using test::unfiltered_options;

using Made = Result<std::unique_ptr<ConfinedProgram>>;

bool is_root() { return geteuid() == 0; }

std::string groups_text() {
  std::array<gid_t, 64> groups{};
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(groups.at(static_cast<std::size_t>(i))) + " ";
  return text;
}

// Whoever starts the daemon by hand may be in groups that read what others may not (adm, shadow, docker).
TEST(ConfinedStart, leaves_every_group_of_the_daemon) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const std::array<gid_t, 3> groups{4, 42, 999};
  ConfineOptions helper = unfiltered_options();
  helper.owner = os::User{.name = "no such user", .uid = 65534, .gid = 65533, .home = "/", .shell = "/bin/sh"};
  for (const ConfineOptions& options : {unfiltered_options(), helper}) {
    const std::string text = ask_in_child([&] {
      if (setgroups(groups.size(), groups.data()) != 0) return std::string("setgroups");
      return groups_text() + "then " + run_confined(options, groups_text).text;
    });
    EXPECT_EQ(text, options.owner ? "4 42 999 then 65533 " : "4 42 999 then ");
  }
}

/// A passwd file of the child's own, where mounts can be made.
std::string use_users(const std::string& passwd) {
  const std::string path = testing::TempDir() + "passwd." + std::to_string(getpid());
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0) return "no mounts";
  if (!os::create_file(path, passwd, 0644)) return "no file";
  const bool is_mounted = mount(path.c_str(), "/etc/passwd", "none", MS_BIND, nullptr) == 0;
  unlink(path.c_str());
  return is_mounted ? "" : "no mounts";
}

TEST(ConfinedStart, refuses_users_that_are_root_in_one_half) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const std::string text = ask_in_child([] {
    if (auto trouble = use_users("root:x:0:0::/:/bin/sh\nfine:x:77:78::/:/bin/sh\n"
                                 "no-user:x:0:78::/:/bin/sh\nno-group:x:77:0::/:/bin/sh\n");
        !trouble.empty())
      return trouble;
    std::string all;
    for (const char* user : {"fine", "no-user", "no-group"}) {
      ConfineOptions options = unfiltered_options();
      options.settings.user = user;
      const auto outcome = run_confined(options, [] { return fmt::format("{}:{}", getuid(), getgid()); });
      all += outcome.text + outcome.error + "\n";
    }
    return all;
  });
  if (text == "no mounts") GTEST_SKIP() << "no mount namespace";
  EXPECT_EQ(text, "77:78\nsandbox user no-user is root\nsandbox user no-group is root\n");
}

/// The facts that lock_process() and what is around it leave, asked from inside.
std::string own_facts() {
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
  rlimit core{1, 1};
  getrlimit(RLIMIT_CORE, &core);
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  struct sigaction usr1 {};
  sigaction(SIGUSR1, nullptr, &usr1);
  return fmt::format("new {} dump {} death {} core {} {} session {} blocked {} usr1 {}",
                     prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), death_signal,
                     core.rlim_cur, core.rlim_max, getsid(0) == getpid() ? "own" : "the daemon's",
                     sigismember(&blocked, SIGTERM), usr1.sa_handler == SIG_DFL ? "default" : "the daemon's");
}

constexpr std::string_view locked = "new 1 dump 0 death 9 core 0 0 session own blocked 0 usr1 default";

/// As a daemon does before it forks.
void handle_signals() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  signal(SIGUSR1, [](int) {});
}

// A change of user makes the kernel do some of it; without one it has to be asked for.
TEST(ConfinedStart, locks_the_process_where_no_user_changes_too) {
  if (!is_root()) GTEST_SKIP() << "needs root to become another user";
  const auto ask = [](const ConfineOptions& options, uid_t uid) {
    return ask_in_child([&] {
      handle_signals();
      if (uid != 0 && (setgroups(0, nullptr) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
        return std::string("setuid");
      return run_confined(options, own_facts).text;
    });
  };
  EXPECT_EQ(ask(unfiltered_options(), 0), locked) << "a sensor of root";
  EXPECT_EQ(ask(unfiltered_options(), 65534), locked) << "a sensor of somebody else";
  ConfineOptions helper = unfiltered_options();
  helper.owner = os::User{.name = "root", .uid = 0, .gid = 0, .home = "/root", .shell = "/bin/sh"};
  EXPECT_EQ(ask(helper, 0), locked) << "the helper for a key ring of root";
}

// Root without a change of user keeps what it is not told to drop, and so do its programs.
TEST(ConfinedStart, the_helper_of_a_key_ring_of_root_has_no_capabilities_itself) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  ConfineOptions helper = unfiltered_options();
  helper.owner = os::User{.name = "root", .uid = 0, .gid = 0, .home = "/root", .shell = "/bin/sh"};
  const std::string status =
      run_confined(helper, [] { return os::read_file("/proc/self/status", 1 << 16).value_or("unreadable"); }).text;
  for (const char* set : {"Inh", "Prm", "Eff", "Bnd", "Amb"})
    EXPECT_NE(status.find(fmt::format("Cap{}:\t0000000000000000\n", set)), std::string::npos) << set << '\n' << status;
}

/// Runs a confined process whose parent dies at `moment`, and tells what that process wrote before it ended.
class Orphan {
 public:
  enum class Moment { before_it_is_locked, while_it_runs };

  static std::string tell(Moment moment) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    const Fd out(ends[0]);
    Fd in(ends[1]);
    const pid_t pid = fork();
    if (pid == 0) be_parent(in.get(), moment);
    in.close();
    waitpid(pid, nullptr, 0);
    std::string text;
    for (std::array<char, 100> part{}; has_more(out.get());) {
      const ssize_t count = read(out.get(), part.data(), part.size());
      if (count <= 0) return text;
      text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text + "still there";
  }

 private:
  static bool has_more(int fd) {
    pollfd watched{fd, POLLIN, 0};
    return poll(&watched, 1, 20000) > 0;
  }

  [[noreturn]] static void be_parent(int out, Moment moment) {
    ConfineOptions options = unfiltered_options();
    options.keep = {out};
    const auto started = start_confined(options, [=](Channel channel) -> Made {
      if (moment == Moment::before_it_is_locked) lose_parent();
      return Made(std::make_unique<test::ProbeProgram>(std::move(channel), [out]() -> std::string {
        alarm(60);  // nobody else would end it
        EXPECT_TRUE(write_all(out, "runs "));
        for (;;) pause();
      }));
    });
    // The child has told that it is confined; it may be about to write.
    pollfd never{-1, 0, 0};
    poll(&never, 1, 200);
    _exit(started ? 0 : 1);
  }

  static void lose_parent() {
    const pid_t parent = getppid();
    kill(parent, SIGKILL);
    while (getppid() == parent) sched_yield();
  }
};

TEST(ConfinedStart, dies_with_its_parent) {
  const std::string text = Orphan::tell(Orphan::Moment::while_it_runs);
  EXPECT_TRUE(text == "runs " || text.empty()) << text;
}

// The kernel tells of a death only who has asked before it.
TEST(ConfinedStart, does_not_run_for_a_parent_that_is_dead_already) {
  EXPECT_EQ(Orphan::tell(Orphan::Moment::before_it_is_locked), "");
}

TEST(ConfinedStart, exceptions_end_the_process_and_no_other) {
  const auto started = start_confined(unfiltered_options(), [](Channel) -> Made { throw std::runtime_error("make"); });
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "ended while it started");
  const auto outcome = run_confined(unfiltered_options(), []() -> std::string { throw std::runtime_error("run"); });
  EXPECT_EQ(outcome.text, "");
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 70) << outcome.status;
}

TEST(ConfinedStart, a_helper_keeps_nothing_of_the_environment) {
  const std::string text = ask_in_child([] {
    setenv("LD_PRELOAD", "", 1);
    setenv("SECRET", "of the administrator", 1);
    ConfineOptions helper = unfiltered_options();
    helper.owner = os::User{.name = "me", .uid = geteuid(), .gid = getegid(), .home = "/home/me", .shell = "/bin/sh"};
    return run_confined(helper,
                        [] {
                          std::string all;
                          for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
                            all += std::string(*entry) + "\n";
                          return all;
                        })
        .text;
  });
  EXPECT_NE(text.find("HOME=/home/me\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("SECRET"), std::string::npos) << text;
  EXPECT_EQ(text.find("LD_PRELOAD"), std::string::npos) << text;
}

// --- Landlock -------------------------------------------------------------------------------------------------------

long landlock_version() { return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1); }

std::string told(bool has_succeeded) { return has_succeeded ? "done" : "errno " + std::to_string(errno); }

std::string try_what_landlock_knows() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const name = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  const Fd connecting(socket(AF_INET, SOCK_STREAM, 0)), binding(socket(AF_INET, SOCK_STREAM, 0));
  std::string text = "open " + told(open("/etc/passwd", O_RDONLY) >= 0);
  text += " list " + told(open("/", O_RDONLY | O_DIRECTORY) >= 0);
  text += " make " + told(mkdir("/tmp/latchkey-landlock", 0700) == 0);
  text += " run " + told(execl("/bin/true", "true", nullptr) == 0);
  if (landlock_version() >= 4) {
    text += " bind " + told(bind(binding.get(), name, sizeof address) == 0);
    address.sin_port = htons(9);
    text += " connect " + told(connect(connecting.get(), name, sizeof address) == 0);
  }
  if (landlock_version() >= 6) text += " signal " + told(kill(getppid(), 0) == 0);
  return text;
}

TEST(Landlock, refuses_files_tcp_and_signals_to_others) {
  if (landlock_version() < 1) GTEST_SKIP() << "a kernel without Landlock";
  const std::string text = ask_in_child([] {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto restricted = restrict_with_landlock();
    return restricted ? try_what_landlock_knows() : restricted.error().text;
  });
  std::string expected = "open errno 13 list errno 13 make errno 13 run errno 13";
  if (landlock_version() >= 4) expected += " bind errno 13 connect errno 13";
  if (landlock_version() >= 6) expected += " signal errno 1";
  EXPECT_EQ(text, expected);
}

}  // namespace
}  // namespace latchkey::privsep
