// SPDX-License-Identifier: GPL-2.0-or-later
// Files, append logs, pid files, daemon mode, service notification.
#include "common/os/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/os/append_log.h"
#include "common/os/daemonize.h"
#include "common/os/notify.h"
#include "common/os/pid_file.h"
#include "t/lib/file_limit.h"

namespace latchkey::os {
namespace {

struct FolderTest : ::testing::Test {
  std::string folder;
  FolderTest() {
    char name[] = "/tmp/latchkey-os-XXXXXX";
    folder = mkdtemp(name);
  }
  ~FolderTest() override { std::filesystem::remove_all(folder); }
  std::string at(const char* name) const { return folder + "/" + name; }
  std::string text_of(const std::string& path) const { return read_file(path, 1 << 20).value_or("(missing)"); }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  static void write(const std::string& path, std::string_view text) {
    Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    EXPECT_TRUE(write_all(fd.get(), text));
  }
};

using ReadFile = FolderTest;
TEST_F(ReadFile, reads_up_to_its_limit) {
  write(at("f"), "12345");
  EXPECT_EQ(*read_file(at("f"), 5), "12345");
  const auto more = read_file(at("f"), 4);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().os_code, EFBIG);
  EXPECT_EQ(more.error().text, at("f") + ": File too large");
  EXPECT_EQ(read_file(at("none"), 9).error().text, at("none") + ": No such file or directory");
  EXPECT_EQ(read_file(folder, 9).error().os_code, EISDIR);
}

TEST_F(ReadFile, does_not_hang_on_a_fifo) {
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  EXPECT_EQ(*read_file(at("fifo"), 9), "");
}

using Replace = FolderTest;
TEST_F(Replace, sets_text_and_mode_whatever_was_there) {
  ASSERT_TRUE(replace_file_atomically(at("f"), "one", 0640));
  EXPECT_EQ(text_of(at("f")), "one");
  EXPECT_EQ(mode_of(at("f")), 0640u);
  write(at("f.new"), "left by a crash");
  ASSERT_TRUE(replace_file_atomically(at("f"), "two", 0600));
  EXPECT_EQ(text_of(at("f")), "two");
  EXPECT_EQ(mode_of(at("f")), 0600u);
  EXPECT_FALSE(std::filesystem::exists(at("f.new")));
}

TEST_F(Replace, keeps_the_old_file_when_the_disk_is_full) {
  write(at("f"), "old");
  bool is_done = true;
  test::with_file_limit(4, [&] { is_done = replace_file_atomically(at("f"), "longer text", 0600).ok(); });
  EXPECT_FALSE(is_done);
  EXPECT_EQ(text_of(at("f")), "old");
  EXPECT_FALSE(std::filesystem::exists(at("f.new")));
}

// Root, who names /dev/null or /dev/stdout for a file, would take it from everybody.
TEST_F(Replace, leaves_what_is_no_file) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("pipe", at("link").c_str()), 0);
  for (const char* name : {"pipe", "link"}) {
    const auto replaced = replace_file_atomically(at(name), "text", 0600);
    ASSERT_FALSE(replaced) << name;
    EXPECT_EQ(replaced.error().os_code, EINVAL) << name;
  }
  EXPECT_TRUE(std::filesystem::is_fifo(at("pipe")));
  EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
  EXPECT_EQ(replace_file_atomically(folder, "text", 0600).error().os_code, EISDIR);
}

TEST_F(Replace, create_refuses_files_and_links) {
  ASSERT_TRUE(create_file(at("f"), "x", 0600));
  EXPECT_EQ(create_file(at("f"), "y", 0600).error().os_code, EEXIST);
  ASSERT_EQ(symlink(at("elsewhere").c_str(), at("link").c_str()), 0);
  EXPECT_EQ(create_file(at("link"), "y", 0600).error().os_code, EEXIST);
}

using Folders = FolderTest;
TEST_F(Folders, are_made_with_their_parents) {
  EXPECT_TRUE(make_folders(at("a/b/c"), 0755));
  EXPECT_TRUE(make_folders(at("a/b/c/"), 0755));
  EXPECT_TRUE(std::filesystem::is_directory(at("a/b/c")));
  write(at("file"), "");
  EXPECT_EQ(make_folders(at("file"), 0755).error().os_code, ENOTDIR);
  EXPECT_EQ(make_folders(at("file/x"), 0755).error().os_code, ENOTDIR);
}

using Append = FolderTest;
TEST_F(Append, makes_a_private_file_with_its_header) {
  auto log = AppendLog::open(at("log"), {.header = "# header"});
  ASSERT_TRUE(log);
  EXPECT_TRUE(log->append("one"));
  EXPECT_TRUE(log->append_lines("two\nthree\n"));
  EXPECT_EQ(text_of(at("log")), "# header\none\ntwo\nthree\n");
  EXPECT_EQ(*log->read(100), "# header\none\ntwo\nthree\n");
  EXPECT_EQ(mode_of(at("log")), 0600u);
}

TEST_F(Append, repairs_a_torn_last_line) {
  struct Row {
    const char *before, *ended, *cut;
  };
  for (const Row& row : {Row{"a\nb", "a\nb\nx\n", "a\nx\n"}, Row{"a\n", "a\nx\n", "a\nx\n"},
                         Row{"", "# head\nx\n", "# head\nx\n"}, Row{"torn", "torn\nx\n", "x\n"}}) {
    using enum AppendLogOptions::TornLine;
    for (const auto policy : {end_it, cut_it}) {
      write(at("log"), row.before);
      ASSERT_TRUE(AppendLog::open(at("log"), {.header = "# head", .torn_line = policy})->append("x"));
      EXPECT_EQ(text_of(at("log")), policy == end_it ? row.ended : row.cut) << row.before;
    }
  }
  write(at("log"), "first\n" + std::string(10000, 'x'));
  ASSERT_TRUE(AppendLog::open(at("log"), {.torn_line = AppendLogOptions::TornLine::cut_it}));
  EXPECT_EQ(text_of(at("log")), "first\n");
}

TEST_F(Append, makes_a_deleted_or_replaced_file_anew) {
  auto log = AppendLog::open(at("log"), {.header = "# h"});
  ASSERT_TRUE(log->append("one"));
  unlink(at("log").c_str());
  ASSERT_TRUE(log->append("two"));
  EXPECT_EQ(text_of(at("log")), "# h\ntwo\n");
  EXPECT_EQ(mode_of(at("log")), 0600u);
  rename(at("log").c_str(), at("log-old").c_str());
  write(at("log"), "# other\n");
  ASSERT_TRUE(log->append("three"));
  EXPECT_EQ(text_of(at("log")), "# other\nthree\n");
}

TEST_F(Append, follows_no_link_unless_told) {
  write(at("real"), "# h\n");
  ASSERT_EQ(symlink(at("real").c_str(), at("link").c_str()), 0);
  EXPECT_EQ(AppendLog::open(at("link"), {}).error().os_code, ELOOP);
  ASSERT_TRUE(AppendLog::open(at("link"), {.follow_symlink = true})->append("x"));
  EXPECT_EQ(text_of(at("real")), "# h\nx\n");
  EXPECT_EQ(AppendLog::open(folder, {}).error().os_code, EISDIR);
}

TEST_F(Append, leaves_no_half_line_on_a_full_disk) {
  write(at("log"), "12345678\n");
  test::with_file_limit(12, [&] {
    auto log = AppendLog::open(at("log"), {});
    ASSERT_TRUE(log.ok());
    EXPECT_FALSE(log->append("abcdef").ok());
    EXPECT_TRUE(log->append("ab").ok());
  });
  EXPECT_EQ(text_of(at("log")), "12345678\nab\n");
}

using Pid = FolderTest;
TEST_F(Pid, file_is_locked_written_and_removed) {
  write(at("pid"), "123456789012\n");
  auto file = PidFile::acquire(at("pid"), 0644);
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(at("pid")), std::to_string(getpid()) + "\n");
  auto state = inspect_pid_file(at("pid"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->pid, getpid());
  EXPECT_TRUE(state->is_locked);
  const auto second = PidFile::acquire(at("pid"), 0644);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().stage, PidFileError::Stage::held);
  EXPECT_EQ(second.error().holder, getpid());
  // A POSIX lock, as the peers set it, conflicts too.
  Fd other(open(at("pid").c_str(), O_RDWR));
  EXPECT_EQ(lockf(other.get(), F_TLOCK, 0), -1);
  file->remove();
  EXPECT_FALSE(std::filesystem::exists(at("pid")));
}

// Seen as "already running" at a restart right after kill -9, while the killed monitor's iptables or sensor still
// ended.
TEST_F(Pid, a_child_of_a_dead_holder_delays_the_next_one_and_no_more) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const auto file = PidFile::acquire(at("pid"), 0644);
    if (fork() == 0) {
      char octet;
      close(told[1]);
      _exit(read(told[0], &octet, 1) == 0 ? 0 : 1);  // holds the lock until the test closes its end
    }
    _exit(file ? 0 : 1);
  }
  close(told[0]);
  int status = -1;
  ASSERT_EQ(waitpid(holder, &status, 0), holder);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(inspect_pid_file(at("pid"))->is_locked);
  const pid_t closer = fork();
  if (closer == 0) {
    usleep(100'000);
    _exit(0);
  }
  close(told[1]);
  EXPECT_TRUE(PidFile::acquire(at("pid"), 0644));
  waitpid(closer, &status, 0);
}

TEST_F(Pid, unlocked_file_means_not_running) {
  write(at("pid"), std::to_string(getpid()) + "\n");
  EXPECT_FALSE(inspect_pid_file(at("pid"))->is_locked);
  for (const char* text : {"", "12x\n", "-5\n", "0\n", "99999999\n"}) {
    write(at("pid"), text);
    EXPECT_FALSE(inspect_pid_file(at("pid"))->pid) << text;
  }
  EXPECT_EQ(inspect_pid_file(at("none")).error().os_code, ENOENT);
  ASSERT_EQ(symlink(at("elsewhere").c_str(), at("link").c_str()), 0);
  EXPECT_EQ(PidFile::acquire(at("link"), 0644).error().stage, PidFileError::Stage::open);
  EXPECT_EQ(PidFile::acquire(at("no/pid"), 0644).error().error.text, "No such file or directory");
}

TEST_F(Pid, remove_leaves_the_file_of_another) {
  auto file = PidFile::acquire(at("pid"), 0644);
  unlink(at("pid").c_str());
  write(at("pid"), "1\n");
  file->remove();
  EXPECT_EQ(text_of(at("pid")), "1\n");
  EXPECT_TRUE(process_name(getpid()));
  EXPECT_FALSE(process_name(8388607));
}

/// The exit status of a launcher whose daemon does `body` after the fork.
template <class F>
int launcher_status(F body) {
  const pid_t launcher = fork();
  if (launcher == 0) {
    auto start = daemonize();
    if (!start) _exit(99);
    body(*start);
    _exit(0);
  }
  int status = 0;
  waitpid(launcher, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

using Daemon = FolderTest;
TEST_F(Daemon, launcher_waits_for_readiness) {
  EXPECT_EQ(launcher_status([&](DaemonStart& start) {
              write(at("before"), "x");
              if (start.ready()) write(at("after"), std::filesystem::current_path().string());
            }),
            0);
  EXPECT_EQ(text_of(at("before")), "x");
  for (int i = 0; i < 2000 && text_of(at("after")) != "/"; ++i) usleep(1000);
  EXPECT_EQ(text_of(at("after")), "/");
}

TEST_F(Daemon, launcher_tells_a_failed_start) {
  EXPECT_EQ(launcher_status([](DaemonStart&) { _exit(3); }), 3);
  EXPECT_EQ(launcher_status([](DaemonStart&) { _exit(0); }), 1);
  EXPECT_EQ(launcher_status([](DaemonStart&) { raise(SIGKILL); }), 137);
}

TEST(StandardStreams, only_closed_ones_need_dev_null) {
  const auto in_child = [](auto body) {
    const pid_t pid = fork();
    if (pid == 0) _exit(body() ? 0 : 1);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  };
  EXPECT_EQ(in_child([] {
              const rlimit none_more{3, 3};
              setrlimit(RLIMIT_NOFILE, &none_more);
              return open_standard_streams().ok();
            }),
            0);
  EXPECT_EQ(in_child([] {
              close(0);
              close(2);
              return open_standard_streams() && fcntl(0, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0;
            }),
            0);
}

using Notify = FolderTest;
TEST_F(Notify, sends_one_datagram) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_ready());
  Fd server(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = at("notify");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const void* generic = &address;
  ASSERT_EQ(bind(server.get(), static_cast<const sockaddr*>(generic), sizeof address), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_ready());
  std::string got(100, '\0');
  const ssize_t size = recv(server.get(), got.data(), got.size(), MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_EQ(got.substr(0, static_cast<std::size_t>(size)), "READY=1\nMAINPID=" + std::to_string(getpid()));
  setenv("NOTIFY_SOCKET", "relative", 1);
  EXPECT_FALSE(notify_ready());
  unsetenv("NOTIFY_SOCKET");
}

TEST_F(Notify, knows_the_journal) {
  unsetenv("JOURNAL_STREAM");
  const Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(is_journal(fd.get()));
  struct stat status {};
  ASSERT_EQ(fstat(fd.get(), &status), 0);
  setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)).c_str(), 1);
  EXPECT_TRUE(is_journal(fd.get()));
  EXPECT_FALSE(is_journal(-1));
  setenv("JOURNAL_STREAM", "1:1", 1);
  EXPECT_FALSE(is_journal(fd.get()));
  unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace latchkey::os
