// SPDX-License-Identifier: GPL-2.0-or-later
// Programs started: what they see, how their end is told, time limits, captured output.
#include "common/os/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>

#include "common/os/children.h"
#include "common/os/user.h"

namespace latchkey::os {
namespace {

using namespace std::chrono_literals;

Command shell(std::string text) {
  Command command;
  command.argv = shell_argv(std::move(text));
  command.output = Stream::capture;
  command.error_output = Stream::capture;
  return command;
}

ChildExit run(const Command& command, ChildLimits limits = {}) {
  auto exit = run_captured(command, limits);
  EXPECT_TRUE(exit.ok()) << (exit.ok() ? "" : exit.error().error.text);
  return exit ? *std::move(exit) : ChildExit{};
}

TEST(Spawn, tells_status_signal_and_output) {
  const ChildExit ended = run(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(ended.output, "out\n");
  EXPECT_EQ(ended.error_output, "err\n");
  EXPECT_TRUE(ended.has_exited());
  EXPECT_EQ(ended.exit_code(), 3);
  EXPECT_EQ(ended.shell_code(), 3);
  const ChildExit killed = run(shell("kill -9 $$"));
  EXPECT_FALSE(killed.has_exited());
  EXPECT_EQ(killed.signal_number(), 9);
  EXPECT_EQ(killed.shell_code(), 137);
}

TEST(Spawn, tells_a_failed_exec_from_a_failed_program) {
  struct Row {
    const char* program;
    int code;
  };
  for (const Row& row : {Row{"/nonexistent/x", ENOENT}, Row{"no-such-program", ENOENT}, Row{"", ENOENT},
                         Row{"/", EACCES}, Row{"/etc/passwd", EACCES}}) {
    Command command;
    command.argv = {row.program};
    const auto spawned = spawn(command);
    ASSERT_FALSE(spawned) << row.program;
    EXPECT_EQ(spawned.error().stage, SpawnError::Stage::exec) << row.program;
    EXPECT_EQ(spawned.error().error.os_code, row.code) << row.program;
  }
  Command nothing;
  EXPECT_FALSE(spawn(nothing));
}

TEST(Spawn, uses_no_shell_unless_asked) {
  Command command;
  command.argv = {"echo", "$HOME", ";", "*", "a b"};
  command.output = Stream::capture;
  EXPECT_EQ(run(command).output, "$HOME ; * a b\n");
}

TEST(Spawn, searches_the_path_of_the_child) {
  Command command;
  command.argv = {"echo", "x"};
  command.environment = std::vector<std::string>{"PATH=/nonexistent"};
  EXPECT_FALSE(spawn(command));
  command.environment = std::vector<std::string>{"PATH=/nonexistent:/bin"};
  command.output = Stream::capture;
  EXPECT_EQ(run(command).output, "x\n");
}

TEST(Spawn, runs_a_script_without_interpreter_line) {
  char path[] = "/tmp/latchkey-script-XXXXXX";
  {
    Fd fd(mkstemp(path));
    ASSERT_TRUE(write_all(fd.get(), "echo script $0 $1\n"));
    fchmod(fd.get(), 0700);
  }
  Command command;
  command.argv = {path, "arg"};
  command.output = Stream::capture;
  EXPECT_EQ(run(command).output, std::string("script ") + path + " arg\n");
  unlink(path);
}

TEST(Spawn, gives_environment_directory_umask_and_session) {
  Command command = shell("pwd; umask; echo $A-$HOME; cut -d' ' -f6 /proc/$$/stat; echo $$");
  command.environment = std::vector<std::string>{"A=1", "PATH=/usr/bin:/bin"};
  command.directory = "/usr";
  command.umask = 027;
  command.new_session = true;
  const std::string output = run(command).output;
  EXPECT_TRUE(output.starts_with("/usr\n0027\n1-\n")) << output;
  const std::string ids = output.substr(13);
  EXPECT_EQ(ids.substr(0, ids.find('\n')) + "\n", ids.substr(ids.find('\n') + 1)) << "leader of its own session";
}

TEST(Spawn, passes_on_its_environment_but_not_its_service_manager) {
  Command command = shell("echo $ELSE-$NOTIFY_SOCKET-");
  setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
  setenv("ELSE", "kept", 1);
  EXPECT_EQ(run(command).output, "kept--\n");
  unsetenv("NOTIFY_SOCKET");
  unsetenv("ELSE");
}

TEST(Spawn, missing_directory_is_a_setup_error) {
  Command command = shell("true");
  command.directory = "/nonexistent";
  const auto spawned = spawn(command);
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().stage, SpawnError::Stage::setup);
  EXPECT_EQ(spawned.error().error.os_code, ENOENT);
}

TEST(Spawn, leaks_no_descriptor_and_no_signal_mask) {
  Fd inherited(open("/dev/null", O_RDONLY));  // on purpose without O_CLOEXEC
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Command command;
  command.argv = {"cat", "/proc/self/status"};
  command.output = Stream::capture;
  const std::string status = run(command).output;
  EXPECT_NE(status.find("SigBlk:\t0000000000000000"), std::string::npos) << status;
  // Signals 32 and 33 are the C library's own: whoever started us may have them ignored, and nobody can reset them.
  constexpr std::uint64_t c_library_signals = 0x180000000;
  const std::string_view ignored = std::string_view(status).substr(status.find("SigIgn:\t") + 8, 16);
  std::uint64_t mask = ~std::uint64_t{0};
  std::from_chars(ignored.data(), ignored.data() + ignored.size(), mask, 16);
  EXPECT_EQ(mask & ~c_library_signals, 0u) << status;
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_DFL);
  command.argv = {"ls", "/proc/self/fd"};
  EXPECT_EQ(run(command).output, "0\n1\n2\n3\n") << "3 is the folder that ls reads";
}

TEST(Spawn, input_text_and_merged_output) {
  Command command = shell("cat; echo err >&2");
  command.input_text = "line 1\nline 2\n";
  command.error_output = Stream::merge;
  const ChildExit exit = run(command);
  EXPECT_EQ(exit.output, "line 1\nline 2\nerr\n");
  EXPECT_EQ(exit.error_output, "");
}

TEST(Spawn, takes_the_identity_of_a_user) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto nobody = find_user("nobody");
  ASSERT_TRUE(nobody);
  Command command;
  command.argv = {"id"};
  command.output = Stream::capture;
  command.identity = Identity{nobody->uid, nobody->gid, {}};
  const std::string output = run(command).output;
  EXPECT_TRUE(output.starts_with("uid=" + std::to_string(nobody->uid) + "(nobody) gid=")) << output;
  EXPECT_EQ(output.find("0(root)"), std::string::npos) << output;
}

TEST(RunCaptured, keeps_a_bounded_part_of_the_output) {
  const ChildExit exit = run(shell("head -c 3000000 /dev/zero | tr '\\0' x"), {.output_bytes = 1000});
  EXPECT_EQ(exit.output, std::string(1000, 'x'));
  EXPECT_TRUE(exit.is_output_cut);
  EXPECT_EQ(exit.exit_code(), 0);
}

TEST(RunCaptured, ends_a_child_at_its_time_limit) {
  const ChildExit polite = run(shell("exec sleep 60"), {.run_time = 20ms});
  EXPECT_TRUE(polite.is_timed_out);
  EXPECT_EQ(polite.signal_number(), SIGTERM);
  Command deaf = shell("trap '' TERM; echo ready; while :; do sleep 60; done");
  deaf.new_session = true;
  const ChildExit killed = run(deaf, {.run_time = 300ms, .grace = 20ms});
  EXPECT_EQ(killed.signal_number(), SIGKILL);
  EXPECT_EQ(killed.output, "ready\n");
}

struct ChildrenTest : ::testing::Test {
  SystemClock clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::create(clock);
  std::unique_ptr<Children> children = *Children::create(*loop);
};

TEST_F(ChildrenTest, run_beside_the_loop) {
  int ended = 0;
  std::string output;
  for (int i = 0; i < 20; ++i) {
    const auto started = children->start(shell("echo " + std::to_string(i % 2)), {}, [&](const ChildExit& exit) {
      output += exit.output;
      if (++ended == 20) loop->stop();
    });
    ASSERT_TRUE(started);
  }
  EXPECT_EQ(children->count(), 20u);
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(output.size(), 40u);
  EXPECT_EQ(children->count(), 0u);
}

TEST_F(ChildrenTest, a_callback_may_start_the_next_child) {
  std::vector<int> codes;
  const auto started = children->start(shell("exit 1"), {}, [&](const ChildExit& first) {
    codes.push_back(first.exit_code());
    const auto next = children->start(shell("exit 2"), {}, [&](const ChildExit& second) {
      codes.push_back(second.exit_code());
      loop->stop();
    });
    ASSERT_TRUE(next);
  });
  ASSERT_TRUE(started);
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(codes, (std::vector<int>{1, 2}));
}

TEST_F(ChildrenTest, time_limit_ends_the_whole_session) {
  Command command = shell("sleep 60 & sleep 60; echo never");
  command.new_session = true;
  ChildExit exit;
  const auto started = children->start(command, {.run_time = 50ms, .grace = 50ms}, [&](const ChildExit& ended) {
    exit = ended;
    loop->stop();
  });
  ASSERT_TRUE(started);
  ASSERT_TRUE(loop->run());
  EXPECT_TRUE(exit.is_timed_out);
  EXPECT_EQ(exit.signal_number(), SIGTERM);
  EXPECT_EQ(exit.output, "");
  EXPECT_EQ(loop->pending_timers(), 0u);
}

TEST_F(ChildrenTest, adopts_a_process_that_has_ended_already) {
  const pid_t pid = fork();
  if (pid == 0) _exit(7);
  int code = -1;
  children->adopt(pid, [&](const ChildExit& exit) {
    code = exit.exit_code();
    loop->stop();
  });
  ASSERT_TRUE(loop->run());
  EXPECT_EQ(code, 7);
}

TEST_F(ChildrenTest, end_now_leaves_nothing_of_a_child) {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  int signal_number = 0;
  children->adopt(pid, [&](const ChildExit& exit) { signal_number = exit.signal_number(); });
  EXPECT_TRUE(children->end_now(pid));
  EXPECT_EQ(signal_number, SIGKILL);
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_FALSE(children->end_now(pid));
}

/// The status of a child arrives.
void expect_end(EventLoop& loop, Children& children) {
  int code = -1;
  const auto started = children.start(shell("exit 3"), {}, [&](const ChildExit& exit) {
    code = exit.exit_code();
    loop.stop();
  });
  ASSERT_TRUE(started);
  loop.call_after(10s, [&] { loop.stop(); });
  ASSERT_TRUE(loop.run());
  EXPECT_EQ(code, 3);
}

/// Not in old kernels, nor below Valgrind 3.19.
bool has_process_descriptors() { return Fd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))).get() >= 0; }

/// Whatever becomes of SIGCHLD: the end of a child is not lost.
TEST_F(ChildrenTest, are_reaped_without_a_signal) {
  if (!has_process_descriptors()) GTEST_SKIP() << "no process descriptors";
  ASSERT_TRUE(loop->on_signal(SIGCHLD, [] {}));
  expect_end(*loop, *children);
}

TEST_F(ChildrenTest, have_an_end_when_somebody_else_reaps_them) {
  if (!has_process_descriptors()) GTEST_SKIP() << "no process descriptors";
  std::optional<ChildExit> ended;
  const auto started = children->start(shell("exit 0"), {}, [&](const ChildExit& exit) {
    ended = exit;
    loop->stop();
  });
  ASSERT_TRUE(started);
  ASSERT_EQ(waitpid(*started, nullptr, 0), *started);
  loop->call_after(10s, [&] { loop->stop(); });
  ASSERT_TRUE(loop->run());
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->is_success());
  EXPECT_FALSE(ended->has_exited());
}

TEST(IgnoredChildren, are_reaped_all_the_same) {
  ::signal(SIGCHLD, SIG_IGN);
  const SystemClock clock;
  const auto loop = *EventLoop::create(clock);
  const auto children = *Children::create(*loop);
  expect_end(*loop, *children);
}

TEST(User, is_found_by_name_and_number) {
  const auto root = find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(find_user(uid_t{0})->name, "root");
  EXPECT_EQ(*find_group("root"), 0u);
  const auto nobody = find_user("no such user");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().text, "no such user: no such user");
  EXPECT_EQ(nobody.error().os_code, ENOENT);
  EXPECT_FALSE(find_group("no-such-group"));
  const auto groups = groups_of(*root, 0);
  EXPECT_NE(std::find(groups.begin(), groups.end(), 0u), groups.end());
}

}  // namespace
}  // namespace latchkey::os
