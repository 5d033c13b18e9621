// SPDX-License-Identifier: GPL-2.0-or-later
// The state file: what is open survives a restart, a stepped clock, a damaged line and a full disk.
#include "fwknopd/grant_journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "common/base/handle.h"
#include "common/os/files.h"

namespace latchkey::fwknopd {
namespace {

using namespace std::chrono_literals;

OpenRule example_rule() {
  OpenRule open;
  open.rule.kind = RuleKind::access;
  open.rule.slot = Slot::input;
  open.rule.allowed = *net::parse_ip_address("192.0.2.7");
  open.rule.service = {Protocol::tcp, 22};
  open.rule.services_text = "tcp/22";
  open.rule.expires_at_s = 1704164675;
  open.due = MonotonicTime(30s);
  return open;
}

JournalTime at(std::int64_t unix_s, std::chrono::microseconds since_boot, const char* boot) {
  return {from_epoch_seconds(unix_s), MonotonicTime(since_boot), boot};
}

TEST(JournalLines, a_stepped_clock_moves_no_expiry_within_one_boot) {
  const std::string line = format_journal_line(example_rule(), at(1704164645, 0s, "a"));
  const auto contents = parse_journal(line + "\n", at(1704164645 + 86400, 10s, "a"));
  ASSERT_EQ(contents.rules.size(), 1u);
  EXPECT_EQ(contents.rules[0].due, MonotonicTime(30s));
  EXPECT_EQ(contents.rules[0].rule.service.port, 22);
  EXPECT_EQ(contents.rules[0].rule.services_text, "tcp/22");
}

TEST(JournalLines, after_a_reboot_the_calendar_counts) {
  const std::string line = format_journal_line(example_rule(), at(1704164645, 0s, "a"));
  const auto contents = parse_journal(line + "\n", at(1704164655, 5s, "b"));
  ASSERT_EQ(contents.rules.size(), 1u);
  EXPECT_EQ(contents.rules[0].due, MonotonicTime(25s));
}

TEST(JournalLines, what_is_done_is_not_open) {
  OpenRule rule = example_rule();
  rule.id = 7;
  const JournalTime now = at(1704164645, 0s, "a");
  const std::string text = format_journal_line(rule, now) + "\ndone 7\n";
  EXPECT_TRUE(parse_journal(text, now).rules.empty());
}

TEST(JournalLines, every_cut_of_a_line_is_skipped_or_whole) {
  const JournalTime now = at(1704164645, 0s, "a");
  const std::string good = format_journal_line(example_rule(), now) + "\n";
  const std::string second = format_journal_line(example_rule(), now);
  for (std::size_t size = 0; size < second.size() - std::string_view("tcp/22").size(); ++size) {
    const auto contents = parse_journal(good + second.substr(0, size), now);
    EXPECT_EQ(contents.rules.size(), 1u) << size;
    EXPECT_EQ(contents.bad_lines.size(), size == 0 ? 0u : 1u) << size;
  }
}

struct JournalFileTest : ::testing::Test {
  JournalFileTest() { log.add(std::make_unique<log::MemorySink>(lines)); }
  ~JournalFileTest() override { std::filesystem::remove_all(folder); }
  std::string folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "journal.XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  std::string path = folder + "/state";
  log::Logger log;
  std::vector<std::string> lines;
  SystemClock clock;
};

TEST_F(JournalFileTest, a_second_process_finds_what_the_first_opened) {
  OpenRule rule = example_rule();
  OpenRule closed = example_rule();
  {
    GrantJournal first(log, clock);
    EXPECT_TRUE(first.open(path).rules.empty());
    ASSERT_TRUE(first.opening(rule));
    ASSERT_TRUE(first.opening(closed));
    first.closed(closed);
  }
  GrantJournal second(log, clock);
  const auto contents = second.open(path);
  ASSERT_EQ(contents.rules.size(), 1u);
  EXPECT_EQ(contents.rules[0].rule.allowed, rule.rule.allowed);
  EXPECT_TRUE(lines.empty());
}

TEST_F(JournalFileTest, a_damaged_line_is_named_and_the_others_count) {
  const std::string good = format_journal_line(example_rule(), journal_time(clock));
  ASSERT_TRUE(os::replace_file_atomically(path, good + "\nrule 1 what\n", 0600));
  GrantJournal journal(log, clock);
  EXPECT_EQ(journal.open(path).rules.size(), 1u);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], path + ":2: not a line of a state file");
}

TEST_F(JournalFileTest, a_file_that_cannot_be_read_is_kept) {
  std::filesystem::create_directory(path);
  GrantJournal journal(log, clock);
  EXPECT_TRUE(journal.open(path).rules.empty());
  EXPECT_TRUE(std::filesystem::is_directory(path + ".unreadable"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("Is a directory"), std::string::npos) << lines[0];
}

TEST_F(JournalFileTest, a_file_that_others_can_write_is_not_believed) {
  const std::string line = format_journal_line(example_rule(), journal_time(clock)) + "\n";
  ASSERT_TRUE(os::replace_file_atomically(path, line, 0622));
  EXPECT_TRUE(GrantJournal(log, clock).open(path).rules.empty());
  ASSERT_TRUE(os::replace_file_atomically(folder + "/elsewhere", line, 0600));
  std::filesystem::remove(path);
  std::filesystem::create_symlink(folder + "/elsewhere", path);
  EXPECT_TRUE(GrantJournal(log, clock).open(path).rules.empty());
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(JournalFileTest, on_a_full_disk_nothing_is_opened_unrecorded) {
  GrantJournal journal(log, clock);
  journal.open(path);
  OpenRule rule = example_rule();
  ASSERT_TRUE(journal.opening(rule));
  // A file size limit fails like a full disk does.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{static_cast<rlim_t>(std::filesystem::file_size(path)), before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  OpenRule refused = example_rule();
  const bool is_opened = journal.opening(refused);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(is_opened);
  OpenRule later = example_rule();
  EXPECT_TRUE(journal.opening(later));
  GrantJournal next(log, clock);
  EXPECT_EQ(next.open(path).rules.size(), 2u);
}

}  // namespace
}  // namespace latchkey::fwknopd
