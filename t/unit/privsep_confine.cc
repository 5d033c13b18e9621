// SPDX-License-Identifier: GPL-2.0-or-later
// A confined process, from the inside: what it can still do, and what it cannot.
#include "common/privsep/confine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <functional>

#include "common/os/event_loop.h"
#include "common/os/files.h"
#include "common/privsep/loop_channel.h"
#include "t/lib/confined_probe.h"

namespace latchkey::privsep {
namespace {

using test::Outcome;
using test::Probe;
using test::run_confined;
using test::sensor_options;

/// "errno N" when a call that must not succeed has failed, "done" when it has succeeded.
std::string told(bool has_succeeded) { return has_succeeded ? "done" : "errno " + std::to_string(errno); }

bool is_root() { return geteuid() == 0; }

TEST(Confine, runs_and_ends_with_its_status) {
  const Outcome outcome = run_confined(sensor_options(), [] { return std::string("hello"); });
  EXPECT_EQ(outcome.text, "hello");
  EXPECT_TRUE(WIFEXITED(outcome.status)) << "killed by " << WTERMSIG(outcome.status);
  EXPECT_EQ(WEXITSTATUS(outcome.status), 5);
  if (is_root()) {
    EXPECT_TRUE(outcome.notes.empty()) << outcome.notes[0];
  }
}

TEST(Confine, is_another_user_without_capabilities_or_way_back) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  ConfineOptions options = sensor_options();
  options.settings.is_enabled = false;  // the questions below are system calls of their own
  const Outcome outcome = run_confined(options, [] {
    uid_t real = 0, effective = 0, saved = 0;
    getresuid(&real, &effective, &saved);
    std::string text = std::to_string(real) + " " + std::to_string(effective) + " " + std::to_string(saved);
    text += " groups " + std::to_string(getgroups(0, nullptr));
    text += " new " + std::to_string(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    text += " dump " + std::to_string(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    int bounding = 0;
    for (int capability = 0; capability < 64; ++capability)
      bounding += prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
    text += " bounding " + std::to_string(bounding);
    text += std::string(" setuid ") + (setuid(0) == 0 ? "worked" : "refused");
    return text;
  });
  EXPECT_EQ(outcome.text, "65534 65534 65534 groups 0 new 1 dump 0 bounding 0 setuid refused");
}

TEST(Confine, has_nothing_but_its_descriptors_even_without_the_filter) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  Fd kept(open("/dev/null", O_RDWR | O_CLOEXEC)), lost(open("/dev/zero", O_RDWR | O_CLOEXEC));
  ConfineOptions options = sensor_options();
  options.settings.is_enabled = false;
  options.keep = {kept.get()};
  const auto ask = [&](Probe probe) { return run_confined(options, std::move(probe)).text; };
  EXPECT_EQ(ask([&] { return told(write(kept.get(), "x", 1) == 1); }), "done");
  EXPECT_EQ(ask([&] { return told(fcntl(lost.get(), F_GETFD) >= 0); }), "errno " + std::to_string(EBADF));
  EXPECT_EQ(ask([] { return told(access("/etc/passwd", F_OK) == 0); }), "errno " + std::to_string(EACCES));
  EXPECT_EQ(ask([] { return told(mkdir("x", 0700) == 0); }).substr(0, 6), "errno ");
  EXPECT_EQ(ask([] { return told(open(".", O_RDONLY) >= 0); }).substr(0, 6), "errno ");
  EXPECT_EQ(ask([] { return told(socket(AF_INET, SOCK_DGRAM, 0) >= 0); }), "errno " + std::to_string(EMFILE));
  EXPECT_EQ(ask([] { return told(fork() >= 0); }), "errno " + std::to_string(EAGAIN));
  EXPECT_EQ(ask([] { return told(kill(getppid(), 0) == 0); }), "errno " + std::to_string(EPERM));
  EXPECT_EQ(ask([] { return told(ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr) == 0); }),
            "errno " + std::to_string(EPERM));
}

TEST(Filter, kills_what_a_sensor_never_does) {
  if (!has_system_call_filter()) GTEST_SKIP() << "built without the system-call filter";
  struct Row {
    const char* name;
    Probe probe;
  };
  const Row rows[] = {
      {"socket", [] { return told(socket(AF_INET, SOCK_STREAM, 0) >= 0); }},
      {"connect",
       [] {
         sockaddr address{};
         return told(connect(0, &address, sizeof address) == 0);
       }},
      {"bind",
       [] {
         sockaddr address{};
         return told(bind(0, &address, sizeof address) == 0);
       }},
      {"setsockopt", [] { return told(setsockopt(0, SOL_SOCKET, SO_RCVBUFFORCE, nullptr, 0) == 0); }},
      {"execve", [] { return told(execl("/bin/true", "true", nullptr) == 0); }},
      {"fork", [] { return told(fork() >= 0); }},
      {"ptrace", [] { return told(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0); }},
      {"kill", [] { return told(kill(getppid(), SIGTERM) == 0); }},
      {"chdir", [] { return told(chdir("..") == 0); }},
      {"chroot", [] { return told(chroot(".") == 0); }},
      {"mount", [] { return told(mount("none", "/", "tmpfs", 0, nullptr) == 0); }},
      {"setuid", [] { return told(setuid(0) == 0); }},
      {"unlink", [] { return told(unlink("/x") == 0); }},
      {"dup", [] { return told(dup(0) >= 0); }},
      {"pipe",
       [] {
         int ends[2];
         return told(pipe(ends) == 0);
       }},
      {"setrlimit",
       [] {
         const rlimit limit{1000, 1000};
         return told(setrlimit(RLIMIT_NOFILE, &limit) == 0);
       }},
      {"prctl", [] { return told(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); }},
      {"executable memory",
       [] {
         return told(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
       }},
  };
  for (const Profile profile : {Profile::knockd_sensor, Profile::fwknopd_sensor}) {
    ConfineOptions options = sensor_options();
    options.profile = profile;
    for (const Row& row : rows) {
      const Outcome outcome = run_confined(options, row.probe);
      EXPECT_EQ(outcome.text, "") << row.name;
      EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSYS)
          << row.name << ' ' << outcome.status;
    }
  }
}

// A packet socket would send any packet: the monitor is the only one that a sensor can tell anything.
TEST(Filter, kills_what_sends_to_anybody_but_the_monitor) {
  if (!has_system_call_filter()) GTEST_SKIP() << "built without the system-call filter";
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
  const Fd ours(ends[0]), theirs(ends[1]);
  const int fd = theirs.get();
  char letter = 'x';
  iovec part{&letter, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const std::vector<Probe> probes{
      [&] { return told(sendto(fd, "x", 1, 0, nullptr, 0) == 1); }, [&] { return told(sendmsg(fd, &message, 0) == 1); },
      [&] { return told(write(fd, "x", 1) == 1); }, [&] { return told(writev(fd, &part, 1) == 1); },
      [&] { return told(sendmmsg(fd, nullptr, 0, 0) == 1); }};
  for (const Profile profile : {Profile::knockd_sensor, Profile::fwknopd_sensor}) {
    ConfineOptions options = sensor_options();
    options.profile = profile;
    options.keep = {fd};
    options.spare_descriptors = profile == Profile::fwknopd_sensor ? 1 : 0;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      const Outcome outcome = run_confined(options, probes[i]);
      EXPECT_TRUE(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSYS) << i << ' ' << outcome.status;
    }
    EXPECT_EQ(run_confined(options, [] { return told(write(2, "x", 1) == 1); }).text, "done") << "/dev/null";
    // What is closed would leave its number to the next connection.
    EXPECT_EQ(run_confined(options, [] { return told(close(2) == 0); }).text, "errno " + std::to_string(EPERM));
    EXPECT_EQ(recv(ours.get(), &letter, 1, MSG_DONTWAIT), -1) << "nothing has arrived";
  }
}

TEST(Filter, lets_a_server_close_what_it_has_accepted) {
  if (!has_system_call_filter()) GTEST_SKIP() << "built without the system-call filter";
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const name = static_cast<sockaddr*>(static_cast<void*>(&address));
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), name, size), 0);
  ASSERT_EQ(listen(listener.get(), 5), 0);
  ASSERT_EQ(getsockname(listener.get(), name, &size), 0);
  const Fd first(socket(AF_INET, SOCK_STREAM, 0)), second(socket(AF_INET, SOCK_STREAM, 0));
  for (const Fd* client : {&first, &second}) ASSERT_EQ(connect(client->get(), name, size), 0);
  ConfineOptions options = sensor_options();
  options.profile = Profile::fwknopd_sensor;
  options.keep = {listener.get()};
  options.spare_descriptors = 1;
  const auto accept_one = [&] { return accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC); };
  const Outcome outcome = run_confined(options, [&] {
    const int one = accept_one();
    std::string text = told(one >= 0) + " then " + told(accept_one() >= 0);
    text += " then " + told(close(one) == 0);
    return text + " then " + told(accept_one() >= 0);
  });
  EXPECT_EQ(outcome.text, "done then errno " + std::to_string(EMFILE) + " then done then done");
}

TEST(Filter, refuses_to_open_files) {
  if (!has_system_call_filter()) GTEST_SKIP() << "built without the system-call filter";
  const Outcome outcome = run_confined(sensor_options(), [] { return told(open("/etc/passwd", O_RDONLY) >= 0); });
  EXPECT_EQ(outcome.text, "errno " + std::to_string(EACCES));
}

/// The event loop, its timers, local time, memory and the channel: what a sensor lives on.
class LoopProgram final : public ConfinedProgram {
 public:
  LoopProgram(std::unique_ptr<os::EventLoop> loop, Channel channel)
      : loop_(std::move(loop)),
        channel_(
            *loop_, std::move(channel), [this](const Message& message) { return answer(message); },
            [this](const Error&) { loop_->stop(); }) {}
  int run() override { return loop_->run() ? 0 : 3; }

 private:
  bool answer(const Message& message) {
    loop_->call_after(std::chrono::milliseconds(1), [this, message] {
      std::string large(3 << 20, 'x');
      channel_.send(message.type, as_bytes(format_local_time(WallTime{}, "%Y") + large.substr(0, 1)));
    });
    return true;
  }
  std::unique_ptr<os::EventLoop> loop_;
  LoopChannel channel_;
};

TEST(Filter, lets_the_event_loop_work_and_the_end_of_the_channel_end_it) {
  const SystemClock clock;
  auto process = start_confined(sensor_options(), [&](Channel channel) -> Result<std::unique_ptr<ConfinedProgram>> {
    auto loop = os::EventLoop::create(clock);
    if (!loop) return fail(loop.error());
    return std::unique_ptr<ConfinedProgram>(new LoopProgram(std::move(*loop), std::move(channel)));
  });
  ASSERT_TRUE(process);
  for (std::uint16_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(process->channel.send(i, {}));
    const auto answer = process->channel.receive_waiting(20000);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->type, i);
    EXPECT_EQ(as_text(answer->payload), "1970x");
  }
  kill(process->pid, SIGTERM);
  kill(process->pid, SIGINT);
  ASSERT_TRUE(process->channel.send(9, {}));
  EXPECT_TRUE(process->channel.receive_waiting(20000)) << "signals of the terminal do not end it";
  process->channel.close();
  int status = -1;
  waitpid(process->pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Start, tells_why_it_failed) {
  const MakeProgram failing = [](Channel) -> Result<std::unique_ptr<ConfinedProgram>> {
    return fail(Error{"no such device"});
  };
  EXPECT_EQ(start_confined(sensor_options(), failing).error().text, "no such device");
  const MakeProgram crashing = [](Channel) -> Result<std::unique_ptr<ConfinedProgram>> {
    raise(SIGSEGV);
    return fail(Error{});
  };
  EXPECT_EQ(start_confined(sensor_options(), crashing).error().text, "killed by signal 11 while it started");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to reap";
  if (!is_root()) return;
  for (const char* user : {"root", "no-such-user"}) {
    ConfineOptions options = sensor_options();
    options.settings.user = user;
    EXPECT_FALSE(start_confined(options, failing)) << user;
  }
}

TEST(Start, works_for_an_ordinary_user_and_says_what_is_missing) {
  if (!is_root()) GTEST_SKIP() << "needs root to become another user";
  const pid_t pid = fork();
  if (pid == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    const Outcome outcome = run_confined(sensor_options(), [] { return std::string("ran"); });
    _exit(outcome.text == "ran" && !outcome.notes.empty() ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(GpgHelper, may_run_programs_and_open_files_but_no_network) {
  ConfineOptions options = sensor_options();
  options.profile = Profile::gpg_helper;
  options.owner = os::User{.name = "root", .uid = geteuid(), .gid = getegid(), .home = "/root", .shell = "/bin/sh"};
  const Outcome outcome = run_confined(options, [] {
    std::string text = told(open("/etc/passwd", O_RDONLY) >= 0);
    const pid_t pid = fork();
    if (pid == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    text += " true " + std::to_string(status);
    text += " unix " + told(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    text += " inet " + told(socket(AF_INET, SOCK_STREAM, 0) >= 0);
    text += " inet6 " + told(socket(AF_INET6, SOCK_DGRAM, 0) >= 0);
    text += " netlink " + told(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
    text += " packet " + told(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
    text += " vsock " + told(socket(AF_VSOCK, SOCK_STREAM, 0) >= 0);
    text += " unshare " + told(unshare(CLONE_NEWUSER) == 0);
    text += " clone3 " + told(syscall(SYS_clone3, nullptr, 0) >= 0);
    return text;
  });
  if (has_system_call_filter()) {
    EXPECT_EQ(outcome.text,
              "done true 0 unix done inet errno 1 inet6 errno 1 netlink errno 1 packet errno 1 vsock errno 1 "
              "unshare errno 1 clone3 errno 38");
  }
  EXPECT_EQ(WEXITSTATUS(outcome.status), 5);
}

TEST(GpgHelper, is_the_owner_without_capabilities_and_so_is_what_it_starts) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  for (const char* name : {"root", "daemon"}) {
    const auto user = os::find_user(name);
    ASSERT_TRUE(user) << name;
    ConfineOptions options = sensor_options();
    options.profile = Profile::gpg_helper;
    options.owner = *user;
    const Outcome outcome = run_confined(options, [] {
      std::array<char, 4096> text{};
      const Fd pipe_of_shell(fileno(popen("id -u; id -g; env | sort; grep ^Cap /proc/self/status", "r")));
      std::string all;
      for (ssize_t count; (count = read(pipe_of_shell.get(), text.data(), text.size())) > 0;)
        all.append(text.data(), static_cast<std::size_t>(count));
      return all;
    });
    EXPECT_TRUE(outcome.text.starts_with(fmt::format("{}\n{}\n", user->uid, user->gid))) << outcome.text;
    for (const char* set : {"Inh", "Prm", "Eff", "Bnd", "Amb"})
      EXPECT_NE(outcome.text.find(fmt::format("Cap{}:\t0000000000000000\n", set)), std::string::npos) << outcome.text;
    EXPECT_NE(outcome.text.find("\nHOME=" + user->home + "\n"), std::string::npos) << outcome.text;
    EXPECT_NE(outcome.text.find("\nUSER=" + user->name + "\n"), std::string::npos) << outcome.text;
    EXPECT_EQ(outcome.text.find("LATCHKEY_"), std::string::npos) << outcome.text;
  }
}

}  // namespace
}  // namespace latchkey::privsep
