// SPDX-License-Identifier: GPL-2.0-or-later
// The state file: what is open survives a restart, a stepped clock, a damaged line and a full disk.
#include "fwknopd/grant_journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "common/base/handle.h"
#include "common/os/files.h"
#include "t/lib/file_limit.h"

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
  for (std::size_t size = 0; size <= second.size(); ++size) {
    const auto contents = parse_journal(good + second.substr(0, size), now);
    EXPECT_EQ(contents.rules.size(), 1u) << size;
    EXPECT_EQ(contents.bad_lines.size(), size == 0 ? 0u : 1u) << size;
  }
}

TEST(JournalLines, half_a_command_is_not_run) {
  const JournalTime now = at(1704164645, 0s, "a");
  PendingClose close{.allowed = *net::parse_ip_address("192.0.2.7"), .stanza_number = 1, .command = "/bin/rm -r /a/b"};
  const std::string line = format_journal_line(close, now);
  EXPECT_EQ(parse_journal(line + "\n", now).closes.size(), 1u);
  EXPECT_EQ(parse_journal(line, now).closes.size(), 0u);
  EXPECT_EQ(parse_journal(line.substr(0, line.size() - 2), now).closes.size(), 0u);
  EXPECT_FALSE(parse_journal(line + "\nend", now).is_ended);
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

TEST_F(JournalFileTest, a_close_command_that_was_run_is_not_run_again) {
  PendingClose run{.allowed = *net::parse_ip_address("192.0.2.7"), .stanza_number = 1, .command = "/bin/close it"};
  PendingClose pending = run;
  pending.command = "/bin/close another";
  {
    GrantJournal first(log, clock);
    first.open(path);
    ASSERT_TRUE(first.opening(run));
    ASSERT_TRUE(first.opening(pending));
    first.closed(run);
  }
  GrantJournal second(log, clock);
  const auto contents = second.open(path);
  ASSERT_EQ(contents.closes.size(), 1u);
  EXPECT_EQ(contents.closes[0].command, pending.command);
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

TEST_F(JournalFileTest, a_file_that_cannot_be_written_anew_keeps_its_numbers) {
  OpenRule ended = example_rule();
  ended.id = 5;
  OpenRule open = example_rule();
  open.id = 1;
  open.rule.service.port = 23;
  const JournalTime now = journal_time(clock);
  const std::string text = format_journal_line(ended, now) + "\n" + format_journal_line(open, now) + "\n";
  ASSERT_TRUE(os::replace_file_atomically(path, text, 0600));
  GrantJournal journal(log, clock);
  JournalContents left;
  test::with_file_limit(10, [&] { left = journal.open(path); });
  ASSERT_EQ(left.rules.size(), 2u);
  EXPECT_EQ(lines.size(), 1u);  // it could not be written
  journal.closed(left.rules[0]);
  GrantJournal next(log, clock);
  const JournalContents again = next.open(path);
  ASSERT_EQ(again.rules.size(), 1u);
  EXPECT_EQ(again.rules[0].rule.service.port, 23);
}

RulePlace example_place() { return {FirewallKind::firewalld, "/bin/fw -x", "mangle", "INPUT", "Q"}; }

TEST_F(JournalFileTest, a_second_process_finds_where_rules_stand) {
  RulePlace other = example_place();
  other.name = "R";
  {
    GrantJournal first(log, clock);
    first.open(path);
    first.enter(example_place());
    first.enter(example_place());
    first.enter(other);
    first.leave(other);
    first.leave(other);
  }
  GrantJournal second(log, clock);
  const auto contents = second.open(path);
  ASSERT_EQ(contents.places.size(), 1u);
  EXPECT_EQ(contents.places[0].place, example_place());
  second.leave(example_place());
  EXPECT_TRUE(read_journal(path, journal_time(clock))->places.empty());
  EXPECT_TRUE(lines.empty());
}

TEST_F(JournalFileTest, a_place_that_does_not_fit_into_a_line_is_not_written) {
  GrantJournal journal(log, clock);
  journal.open(path);
  for (const char* name : {"", "a b", "a\nend"}) {
    RulePlace place = example_place();
    place.name = name;
    journal.enter(place);
    journal.leave(place);
  }
  EXPECT_EQ(*os::read_file(path, 1000), "");
}

TEST_F(JournalFileTest, it_moves_with_all_that_is_open) {
  GrantJournal journal(log, clock);
  journal.open(path);
  OpenRule rule = example_rule();
  ASSERT_TRUE(journal.opening(rule));
  journal.enter(example_place());
  const std::string other = folder + "/other";
  journal.move_to(other);
  EXPECT_FALSE(std::filesystem::exists(path));
  OpenRule later = example_rule();
  ASSERT_TRUE(journal.opening(later));
  const auto contents = read_journal(other, journal_time(clock));
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->rules.size(), 2u);
  EXPECT_EQ(contents->places.size(), 1u);
  EXPECT_TRUE(lines.empty());
}

TEST_F(JournalFileTest, it_stays_where_another_one_is_in_its_way) {
  GrantJournal journal(log, clock);
  journal.open(path);
  const std::string other = folder + "/other";
  ASSERT_TRUE(os::replace_file_atomically(other, "anything\n", 0600));
  for (const std::string& target : {other, folder + "/none/other"}) {
    journal.move_to(target);
    OpenRule rule = example_rule();
    ASSERT_TRUE(journal.opening(rule));
  }
  EXPECT_EQ(read_journal(path, journal_time(clock))->rules.size(), 2u);
  EXPECT_EQ(*os::read_file(other, 1000), "anything\n");
}

TEST(JournalPath, each_pid_file_has_its_own) {
  Settings settings;
  settings.run_dir = "/run/fwknop";
  const auto path_for = [&](const char* pid_file) {
    settings.pid_file = pid_file;
    return journal_path(settings);
  };
  EXPECT_EQ(path_for("/run/fwknop/fwknopd.pid"), "/run/fwknop/fwknopd.state");
  EXPECT_EQ(path_for("/run/fwknop/second.pid"), "/run/fwknop/second.state");
  EXPECT_EQ(path_for("/run/a.pid"), "/run/fwknop/-run-a.state");
  settings.run_dir += '/';
  EXPECT_EQ(path_for("/run/fwknop/fwknopd.pid"), "/run/fwknop/fwknopd.state");
}

TEST(JournalLines, numbers_beyond_what_a_clock_can_say_are_clamped_or_refused) {
  const JournalTime now = at(1704164645, 0s, "a");
  const std::string rest = " 0 0 192.0.2.7 - 6 22 - 0 - 0 0 tcp/22\n";
  const auto late = parse_journal("rule 1 9223372036854775807 b 5" + rest, now);
  ASSERT_EQ(late.rules.size(), 1u);
  EXPECT_GT(late.rules[0].due, now.monotonic);
  EXPECT_EQ(parse_journal("rule 1 5 a -9223372036854775808" + rest, now).bad_lines.size(), 1u);
  EXPECT_EQ(parse_journal("rule 18446744073709551615 5 a 5" + rest, now).bad_lines.size(), 1u);
}

TEST(JournalLines, what_was_due_before_this_boot_is_remembered_twice) {
  const JournalTime now = at(1704164645, 5s, "b");
  const auto first = parse_journal("rule 1 1704160000 a 5 0 0 192.0.2.7 - 6 22 - 0 - 0 0 tcp/22\n", now);
  ASSERT_EQ(first.rules.size(), 1u);
  EXPECT_LT(first.rules[0].due, MonotonicTime{});
  const auto second = parse_journal(format_journal_line(first.rules[0], now) + "\n", now);
  ASSERT_EQ(second.rules.size(), 1u);
  EXPECT_EQ(second.rules[0].due, first.rules[0].due);
}

TEST(JournalLines, what_was_opened_behind_the_end_is_not_ended) {
  const JournalTime now = at(1704164645, 0s, "a");
  const std::string line = format_journal_line(example_rule(), now) + "\n";
  EXPECT_TRUE(parse_journal(line + "end\n", now).is_ended);
  EXPECT_FALSE(parse_journal("end\n" + line, now).is_ended);
}

TEST_F(JournalFileTest, what_was_closed_on_a_full_disk_is_not_opened_again) {
  GrantJournal journal(log, clock);
  journal.open(path);
  OpenRule rule = example_rule();
  ASSERT_TRUE(journal.opening(rule));
  test::with_file_limit(std::filesystem::file_size(path), [&] {
    journal.closed(rule);
    journal.end();
  });
  EXPECT_TRUE(GrantJournal(log, clock).open(path).rules.empty());
}

TEST_F(JournalFileTest, a_disk_that_was_full_for_a_while_is_made_up_for_at_the_end) {
  GrantJournal journal(log, clock);
  journal.open(path);
  OpenRule rule = example_rule();
  OpenRule kept = example_rule();
  ASSERT_TRUE(journal.opening(rule));
  ASSERT_TRUE(journal.opening(kept));
  test::with_file_limit(std::filesystem::file_size(path), [&] { journal.closed(rule); });
  journal.end();
  const auto contents = GrantJournal(log, clock).open(path);
  EXPECT_EQ(contents.rules.size(), 1u);
  EXPECT_TRUE(contents.is_ended);
}

TEST_F(JournalFileTest, on_a_full_disk_nothing_is_opened_unrecorded) {
  GrantJournal journal(log, clock);
  journal.open(path);
  OpenRule rule = example_rule();
  ASSERT_TRUE(journal.opening(rule));
  OpenRule refused = example_rule();
  bool is_opened = true;
  test::with_file_limit(std::filesystem::file_size(path), [&] { is_opened = journal.opening(refused); });
  EXPECT_FALSE(is_opened);
  OpenRule later = example_rule();
  EXPECT_TRUE(journal.opening(later));
  GrantJournal next(log, clock);
  EXPECT_EQ(next.open(path).rules.size(), 2u);
}

// In memory, where there is such a place: every line is synced.
struct LongJournalTest : JournalFileTest {
  LongJournalTest() {
    if (::access("/dev/shm", W_OK) != 0) return;
    std::string name = "/dev/shm/journal.XXXXXX";
    if (!::mkdtemp(name.data())) return;
    std::filesystem::remove_all(folder);
    folder = name;
    path = folder + "/state";
  }
};

TEST_F(LongJournalTest, a_long_life_keeps_the_file_short_and_what_is_open_in_it) {
  OpenRule open = example_rule();
  PendingClose close{.allowed = *net::parse_ip_address("192.0.2.7"), .stanza_number = 1, .command = "/bin/close it"};
  OpenRule later = example_rule();
  later.rule.service.port = 23;
  std::uintmax_t largest = 0;
  int times_anew = 0;
  {
    GrantJournal journal(log, clock);
    journal.open(path);
    ASSERT_TRUE(journal.opening(open));
    ASSERT_TRUE(journal.opening(close));
    for (int i = 0; i < 3000; ++i) {
      OpenRule passing = example_rule();
      ASSERT_TRUE(journal.opening(passing));
      journal.closed(passing);
      const auto size = std::filesystem::file_size(path);
      times_anew += size < largest;
      largest = times_anew == 0 ? std::max(largest, size) : size;
    }
    ASSERT_TRUE(journal.opening(later));
  }
  const std::size_t line_bytes = format_journal_line(open, journal_time(clock)).size() + 1;
  EXPECT_EQ(times_anew, 1) << "a short file is not written anew at every line";
  EXPECT_LT(std::filesystem::file_size(path), 1200 * line_bytes);
  GrantJournal next(log, clock);
  const JournalContents left = next.open(path);
  ASSERT_EQ(left.rules.size(), 2u);
  EXPECT_EQ(left.rules[0].id, open.id);
  EXPECT_EQ(left.rules[1].rule.service.port, 23);
  ASSERT_EQ(left.closes.size(), 1u);
  EXPECT_EQ(left.closes[0].command, close.command);
  EXPECT_TRUE(lines.empty()) << lines[0];
}

}  // namespace
}  // namespace latchkey::fwknopd
