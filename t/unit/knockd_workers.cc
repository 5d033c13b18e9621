// SPDX-License-Identifier: GPL-2.0-or-later
// Commands of doors: choice and expansion, the journal of pending stop commands, messages between the processes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "common/os/files.h"
#include "knockd/commands.h"
#include "knockd/journal.h"
#include "knockd/messages.h"
#include "knockd/names.h"
#include "knockd/sequence.h"
#include "knockd/texts.h"
#include "knockd/workers.h"
#include "t/lib/confined_probe.h"
#include "t/lib/file_limit.h"

namespace latchkey::knockd {
namespace {

const net::IpAddress v4 = net::parse_ip_address("10.9.0.10").value();
const net::IpAddress v6 = net::parse_ip_address("fd00:9::10").value();

TEST(KnockdCommands, are_expanded_by_exact_case_and_nothing_else) {
  EXPECT_EQ(expand_command("echo %IP%%IP% %ip% %% %IP", "10.9.0.10"), "echo 10.9.0.1010.9.0.10 %ip% %% %IP");
}

std::string describe(const OpeningPlan& plan) {
  if (const auto* refused = std::get_if<RefusedOpening>(&plan)) return std::string(refused->text);
  if (const auto* opening = std::get_if<Opening>(&plan))
    return opening->start + (opening->stop ? " | " + *opening->stop : "");
  return "nothing";
}

TEST(KnockdCommands, of_ipv6_fall_back_one_by_one) {
  Door door;
  door.v4 = {.start = "A %IP%", .stop = "B"};
  EXPECT_EQ(describe(plan_opening(door, v4)), "A 10.9.0.10 | B");
  EXPECT_EQ(describe(plan_opening(door, v6)), "A fd00:9::10 | B");
  door.v6.start = "C";
  EXPECT_EQ(describe(plan_opening(door, v6)), "C | B");
  door.v6.stop = "E";
  EXPECT_EQ(describe(plan_opening(door, v6)), "C | E");
  door.v6.start = "";
  EXPECT_EQ(describe(plan_opening(door, v6)), "nothing");
  door.v4 = {.start = "A", .stop = ""};
  EXPECT_EQ(describe(plan_opening(door, v4)), "A");
  door.v4 = {.start = std::nullopt, .stop = "B"};
  EXPECT_EQ(describe(plan_opening(door, v4)), "nothing");
}

TEST(KnockdCommands, have_a_longest_length) {
  Door door;
  door.v4.start = std::string(4095 - 9, 'x') + "%IP%";
  EXPECT_EQ(describe(plan_opening(door, v4)), std::string(4095 - 9, 'x') + "10.9.0.10");
  *door.v4.start += "x";
  EXPECT_EQ(describe(plan_opening(door, v4)), texts::start_truncated);
  door.v4 = {.start = "A", .stop = std::string(4096, 'x')};
  EXPECT_EQ(describe(plan_opening(door, v4)), texts::stop_truncated);
}

std::string text_of(int times, std::string_view text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class JournalFolder : public testing::Test {
 protected:
  JournalFolder() {
    std::string pattern = testing::TempDir() + "knockd_journal.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  StopJournal open(std::string_view boot = "boot-1") { return StopJournal::open(folder_, "j", boot).value(); }
  std::string folder_;
};

MonotonicTime at(std::int64_t seconds) { return MonotonicTime(std::chrono::seconds(seconds)); }

const PendingStop stop_a{at(30), 10, "open SSH", v4, "iptables -D \"x\" % \\ \n; y"};
const PendingStop stop_b{at(40), 20, "B", v6, ""};

std::uint64_t add(StopJournal& journal, const PendingStop& stop) {
  const std::uint64_t id = journal.new_id();
  EXPECT_TRUE(journal.add(id, stop));
  return id;
}

TEST_F(JournalFolder, gives_back_what_was_not_removed) {
  {
    StopJournal journal = open();
    EXPECT_TRUE(journal.take_left_behind().empty());
    const auto first = add(journal, stop_a);
    const auto second = add(journal, stop_b);
    const auto third = add(journal, stop_a);
    ASSERT_TRUE(journal.set_due(second, at(50)));
    ASSERT_TRUE(journal.remove(first));
    EXPECT_NE(third, first);
  }
  PendingStop late_b = stop_b;
  late_b.due = at(50);
  StopJournal journal = open();
  const PendingStops found = journal.take_left_behind();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.begin()->second, late_b);
  EXPECT_EQ(found.rbegin()->second, stop_a);
  EXPECT_GT(add(journal, stop_a), found.rbegin()->first) << "numbers are not used twice";
}

TEST_F(JournalFolder, is_all_due_after_a_boot) {
  {
    StopJournal journal = open();
    add(journal, stop_a);
  }
  EXPECT_EQ(open("boot-2").take_left_behind().begin()->second.due, MonotonicTime{});
}

TEST_F(JournalFolder, is_held_by_one_process) {
  const StopJournal journal = open();
  const auto second = StopJournal::open(folder_, "j", "boot-1");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().os_code, EWOULDBLOCK);
  EXPECT_EQ(second.error().text, folder_ + "/j: in use by another knockd");
}

TEST_F(JournalFolder, stays_short) {
  StopJournal journal = open();
  const auto kept = add(journal, stop_b);
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(journal.remove(add(journal, stop_a)));
  const auto text = os::read_file(folder_ + "/j", 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_LT(text->size(), 20'000U);
  EXPECT_EQ(parse_journal(*text).size(), 1U);
  ASSERT_TRUE(journal.remove(kept));
}

TEST_F(JournalFolder, writes_later_what_could_not_be_written) {
  StopJournal journal = open();
  const auto gone = add(journal, stop_b);
  const std::uint64_t id = journal.new_id();
  test::with_file_limit(0, [&] {
    EXPECT_FALSE(journal.add(id, stop_a));
    EXPECT_FALSE(journal.remove(gone));
    EXPECT_FALSE(journal.set_due(id, at(60)));
  });
  EXPECT_TRUE(journal.set_due(id, at(70)));
  PendingStop late_a = stop_a;
  late_a.due = at(70);
  EXPECT_EQ(parse_journal(os::read_file(folder_ + "/j", 10000).value()), (PendingStops{{id, late_a}}));
}

TEST(KnockdJournal, leaves_out_lines_that_make_no_sense) {
  const std::string good = format_added(7, stop_a);
  EXPECT_EQ(parse_journal("# head\n" + good + "\n").size(), 1U);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    const PendingStops found = parse_journal(good.substr(0, cut));
    for (const auto& [id, stop] : found) EXPECT_EQ(stop.door, stop_a.door);
  }
  EXPECT_TRUE(parse_journal("+ 0 1 1 .a 10.0.0.1 .c\n+ x 1 1 .a 10.0.0.1 .c\n+ 1 1 1 .a here .c\n- \n= 4 5\n").empty());
}

TEST(KnockdJournal, is_named_after_configuration_and_interfaces) {
  EXPECT_EQ(journal_name("/etc/knockd.conf", "eth0"), "knockd-_etc_knockd.conf-eth0.pending");
  const std::string path(300, 'x');
  EXPECT_NE(journal_name(path + "a", "eth0"), journal_name(path + "b", "eth0"));
  EXPECT_LT(journal_name(path, "eth0").size(), 220U);
}

TEST(KnockdMessages, come_back_as_they_went) {
  Lock lock;
  lock.sequence = parse_sequence("1,2:udp,65535").value;
  lock.flags = {0x12, 0x04};
  lock.target = v6;
  lock.seq_timeout_s = 2147483647;
  lock.seq_cooldown_s = 5;
  lock.allows_duplicates = true;
  lock.is_one_time = true;
  Writer batch;
  encode_door({lock, DoorIndex{9}}, batch);
  encode_door({Lock{}, std::nullopt}, batch);
  const auto doors = decode_doors(batch.view());
  ASSERT_TRUE(doors);
  ASSERT_EQ(doors->size(), 2U);
  EXPECT_EQ((*doors)[0].lock, lock);
  EXPECT_EQ((*doors)[0].origin, DoorIndex{9});
  EXPECT_EQ((*doors)[1].origin, std::nullopt);
  EXPECT_EQ(decode_addresses(encode_addresses({v4, v6})), (std::vector<net::IpAddress>{v4, v6}));
  const auto sequence = decode_sequence(encode_sequence({3, lock.sequence}));
  ASSERT_TRUE(sequence);
  EXPECT_EQ(sequence->sequence, lock.sequence);
  const auto lost = decode_capture_lost(encode_capture_lost({1, true, "gone"}));
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->text, "gone");
  const auto ready = decode_ready(encode_ready({{{1, ""}, {113, "warning"}}}));
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->interfaces[1].warning, "warning");
}

Bytes sample_reports() {
  Writer batch;
  for (const SensorReport& report : std::initializer_list<SensorReport>{
           StageReached{1, v4, 3}, Opened{2, v6}, TimedOut{3, v4, 1}, Removed{v6, true}, FlagUnmet{2, true},
           Evicted{4, v4}, PacketSeen{1700000000000000, {net::IpProtocol::udp, 7000}, 40000, v4, v6, 60}})
    encode_report(report, batch);
  return batch.release();
}

TEST(KnockdMessages, hold_reports_in_order) {
  const auto reports = decode_reports(sample_reports());
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->size(), 7U);
  EXPECT_EQ(std::get<StageReached>((*reports)[0]).stage, 3U);
  EXPECT_EQ(std::get<Opened>((*reports)[1]).source, v6);
  EXPECT_EQ(std::get<PacketSeen>((*reports)[6]).hit.port, 7000);
}

// A sensor that has been taken over sends anything: nothing is read beyond the message, nothing but values comes out.
TEST(KnockdMessages, are_refused_when_damaged) {
  const Bytes good = sample_reports();
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto reports = decode_reports(ByteView(good).first(size));
    EXPECT_TRUE(!reports || reports->size() < 7U);
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes damaged = good;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    static_cast<void>(decode_reports(damaged));
    static_cast<void>(decode_doors(damaged));
    static_cast<void>(decode_sequence(damaged));
    static_cast<void>(decode_addresses(damaged));
    static_cast<void>(decode_capture_lost(damaged));
    static_cast<void>(decode_ready(damaged));
  }
}

/// Workers in a loop of their own, with a log in the folder; a door's commands write into `out`.
class RunningWorkers : public JournalFolder {
 protected:
  RunningWorkers() {
    EXPECT_TRUE(output_.open_log(folder_ + "/log", false));
    door_.name = "d";
  }
  void begin(WorkerLimits limits) {
    workers_.emplace(*loop_, *children_, output_, limits);
    workers_->on_idle([this] { loop_->stop(); });
  }
  void run_until_idle() {
    TimerId limit = loop_->call_after(std::chrono::seconds(60), [this] { loop_->stop(); });
    ASSERT_TRUE(loop_->run());
    loop_->cancel(limit);
    EXPECT_TRUE(workers_->is_idle());
  }
  std::string read(const std::string& name) { return os::read_file(folder_ + "/" + name, 100000).value_or(""); }
  MonotonicTime journaled_due() {
    const PendingStops stops = parse_journal(read("j"));
    return stops.empty() ? MonotonicTime() : stops.begin()->second.due;
  }
  /// Ends the loop once the only opening has another time than the one from `opened` on.
  void stop_when_journal_says(MonotonicTime opened) {
    if (journaled_due() > opened + std::chrono::milliseconds(600'100)) return loop_->stop();
    if (clock_.monotonic() > opened + std::chrono::seconds(10)) return loop_->stop();
    loop_->call_after(std::chrono::milliseconds(10), [this, opened] { stop_when_journal_says(opened); });
  }
  /// Goes wrong while another one runs, as "sed -i" does.
  std::string exclusive_command() const {
    return fmt::format("mkdir {0}/lock || echo clash >>{0}/out; sleep 0.02; rmdir {0}/lock; echo closed >>{0}/out",
                       folder_);
  }

  using TimerId = os::TimerId;
  SystemClock clock_;
  Output output_{{}, clock_};
  std::unique_ptr<os::EventLoop> loop_ = *os::EventLoop::create(clock_);
  std::unique_ptr<os::Children> children_ = *os::Children::create(*loop_);
  std::optional<Workers> workers_;
  Door door_;
};

TEST_F(RunningWorkers, are_limited_and_say_so) {
  begin({.max_running = 2});
  door_.v4.start = "echo >>" + folder_ + "/out; sleep 0.1";
  for (int i = 0; i < 3; ++i) workers_->open(door_, v4);
  run_until_idle();
  EXPECT_EQ(read("out"), "\n\n");
  EXPECT_TRUE(read("log").ends_with("] error: command fork failed!\n")) << read("log");
  workers_->open(door_, v4);
  run_until_idle();
  EXPECT_EQ(read("out"), "\n\n\n") << "there is room again";
}

TEST_F(RunningWorkers, that_wait_for_their_stop_command_are_limited_too) {
  begin({.max_workers = 2});
  door_.cmd_timeout_s = 600;
  door_.v4 = {.start = "true", .stop = "echo >>" + folder_ + "/out"};
  for (int i = 0; i < 3; ++i) workers_->open(door_, v4);
  EXPECT_TRUE(read("log").ends_with("] error: command fork failed!\n")) << read("log");
  workers_->stop_waiting();
  run_until_idle();
  EXPECT_EQ(read("out"), "\n\n");
}

TEST_F(RunningWorkers, wait_from_the_end_of_the_start_command_on) {
  begin({});
  workers_->use_journal(open());
  door_.cmd_timeout_s = 600;
  door_.v4 = {.start = "sleep 0.2", .stop = "true"};
  workers_->open(door_, v4);
  const MonotonicTime opened = clock_.monotonic();
  loop_->call_after(std::chrono::milliseconds(10), [this, opened] { stop_when_journal_says(opened); });
  ASSERT_TRUE(loop_->run());
  EXPECT_GE(journaled_due(), opened + std::chrono::milliseconds(600'190));
}

TEST_F(RunningWorkers, write_no_control_bytes_into_the_log) {
  output_.say(to_log, "a\nb\x1b");
  EXPECT_TRUE(read("log").ends_with("] a\\x0ab\\x1b\n")) << read("log");
}

TEST_F(RunningWorkers, close_one_by_one_at_the_end) {
  begin({});
  door_.cmd_timeout_s = 600;
  door_.v4 = {.start = "true", .stop = exclusive_command()};
  for (int i = 0; i < 8; ++i) workers_->open(door_, v4);
  // Half of the start commands are still running then.
  loop_->call_after(std::chrono::milliseconds(1), [this] { workers_->stop_waiting(); });
  run_until_idle();
  EXPECT_EQ(read("out"), text_of(8, "closed\n"));
}

TEST_F(RunningWorkers, close_one_by_one_after_a_crash) {
  {
    StopJournal journal = open();
    for (int i = 0; i < 8; ++i) add(journal, {at(0), 10, "d", v4, exclusive_command()});
  }
  begin({});
  workers_->use_journal(open());
  run_until_idle();
  EXPECT_EQ(read("out"), text_of(8, "closed\n"));
}

TEST_F(RunningWorkers, do_not_wait_long_for_a_stop_command_that_hangs) {
  begin({});
  door_.cmd_timeout_s = 600;
  door_.v4 = {.start = "true", .stop = fmt::format("until test -e {}/free; do sleep 0.01; done", folder_)};
  workers_->open(door_, v4);
  door_.v4.stop = fmt::format("echo >{}/free", folder_);
  workers_->open(door_, v4);
  workers_->stop_waiting();
  run_until_idle();
}

TEST_F(RunningWorkers, close_although_start_commands_hang) {
  begin({.max_running = 2, .max_with_stops = 3});
  door_.cmd_timeout_s = 0;
  door_.v4.start = fmt::format("until test -e {}/free; do sleep 0.01; done", folder_);
  workers_->open(door_, v4);
  door_.v4 = {.start = "true", .stop = fmt::format("echo >{}/free", folder_)};
  workers_->open(door_, v4);
  run_until_idle();
  EXPECT_EQ(read("log").find("fork failed"), std::string::npos);
}

TEST_F(RunningWorkers, queue_stop_commands_beyond_the_limit) {
  {
    StopJournal journal = open();
    const MonotonicTime soon = clock_.monotonic() + std::chrono::milliseconds(100);
    for (int i = 0; i < 8; ++i) add(journal, {soon, 10, "d", v4, "echo closed >>" + folder_ + "/out"});
  }
  begin({.max_running = 1, .max_with_stops = 2});
  workers_->use_journal(open());
  run_until_idle();
  EXPECT_EQ(read("out"), text_of(8, "closed\n"));
  EXPECT_EQ(read("log").find("fork failed"), std::string::npos) << "a queue is no error";
}

TEST(KnockdNames, are_asked_for_again_after_a_minute) {
  ManualClock clock;
  auto loop = *os::EventLoop::create(clock);
  auto children = *os::Children::create(*loop);
  Names names(*loop, *children, "nobody", [] {});
  const net::IpAddress here = net::IpAddress::v4(0x7f000001);
  const auto begins = [&] {
    names.look_up(here);
    const bool is_begun = names.is_pending(here);
    while (names.is_pending(here)) loop->run_ready();
    return is_begun;
  };
  EXPECT_TRUE(begins());
  clock.advance(std::chrono::seconds(59));
  EXPECT_FALSE(begins());
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(begins());
}

TEST_F(RunningWorkers, have_their_stop_on_the_disk_before_the_start_runs) {
  begin({});
  workers_->use_journal(open());
  door_.cmd_timeout_s = 0;
  door_.v4 = {.start = fmt::format("cp {0}/j {0}/seen", folder_), .stop = "true"};
  workers_->open(door_, v4);
  run_until_idle();
  const PendingStops seen = parse_journal(read("seen"));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.begin()->second.command, "true");
  EXPECT_TRUE(parse_journal(read("j")).empty());
}

// The order shows in the log where the journal cannot be written.
TEST_F(RunningWorkers, say_first_that_a_stop_is_not_recorded) {
  begin({});
  workers_->use_journal(open());
  ASSERT_EQ(::unlink((folder_ + "/j").c_str()), 0);
  ASSERT_EQ(::mkdir((folder_ + "/j").c_str(), 0700), 0);
  door_.cmd_timeout_s = 0;
  door_.v4 = {.start = "true", .stop = "true"};
  workers_->open(door_, v4);
  run_until_idle();
  const std::string log = read("log");
  const std::size_t told = log.find("stop commands would not survive a crash");
  EXPECT_LT(told, log.find("d: running command")) << log;
  EXPECT_EQ(log.find("would not survive", told + 30), std::string::npos) << "once\n" << log;
}

TEST_F(RunningWorkers, close_at_the_end_what_waits_and_what_is_still_opening) {
  PendingStop waiting = stop_a;
  waiting.due = clock_.monotonic() + std::chrono::hours(1);
  waiting.command = "echo waiting >>" + folder_ + "/out";
  {
    StopJournal journal = open();
    add(journal, waiting);
  }
  begin({});
  workers_->use_journal(open());
  door_.cmd_timeout_s = 3600;
  door_.v4 = {.start = fmt::format("until [ -e {}/go ]; do sleep 0.01; done", folder_),
              .stop = "echo open >>" + folder_ + "/out"};
  workers_->open(door_, v4);
  workers_->stop_waiting();
  loop_->call_after(std::chrono::milliseconds(100),
                    [this] { ASSERT_TRUE(os::create_file(folder_ + "/go", "", 0600)); });
  run_until_idle();
  EXPECT_EQ(read("out"), "waiting\nopen\n");
  workers_->close_journal();
  EXPECT_NE(::access((folder_ + "/j").c_str(), F_OK), 0) << "nothing is left to do, and nothing says otherwise";
}

/// "Once nobody may start a process, a stop that is due": what is in `out` then, and the log.
std::string run_stop_without_processes(const std::string& folder) {
  // The limit does not hold for root.
  if (::geteuid() == 0 && (::chown(folder.c_str(), 65534, 65534) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0))
    return "no other user";
  rlimit before{};
  ::getrlimit(RLIMIT_NPROC, &before);
  const rlimit none{0, before.rlim_max};
  const SystemClock clock;
  auto loop = *os::EventLoop::create(clock);
  auto children = *os::Children::create(*loop);
  Output output({}, clock);
  if (!output.open_log(folder + "/log", false)) return "no log";
  Workers workers(*loop, *children, output, {});
  workers.on_idle([&] { loop->stop(); });
  PendingStop due = stop_a;
  due.command = "echo stop >>" + folder + "/out";
  if (!StopJournal::open(folder, "j", "boot-1")->add(1, due)) return "no journal";
  ::setrlimit(RLIMIT_NPROC, &none);
  loop->call_after(std::chrono::milliseconds(100), [&] { ::setrlimit(RLIMIT_NPROC, &before); });
  loop->call_after(std::chrono::seconds(60), [&] { loop->stop(); });
  workers.use_journal(*StopJournal::open(folder, "j", "boot-1"));
  if (!loop->run()) return "no loop";
  const auto read = [&](const char* name) { return os::read_file(folder + name, 100000).value_or(""); };
  return read("/out") + read("/log") + std::to_string(parse_journal(read("/j")).size()) + " pending";
}

TEST_F(JournalFolder, a_stop_that_cannot_be_run_is_tried_again) {
  const char* preloaded = ::getenv("LD_PRELOAD");
  if (preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string_view::npos)
    GTEST_SKIP() << "Valgrind 3.19 does not survive a fork that fails";
  const std::string text = test::ask_in_child([this] { return run_stop_without_processes(folder_); });
  EXPECT_TRUE(text.starts_with("stop\n")) << text;
  EXPECT_TRUE(text.ends_with("\n0 pending")) << text;
  const std::size_t told = text.find("command fork failed!");
  EXPECT_NE(told, std::string::npos) << text;
  EXPECT_EQ(text.find("command fork failed!", told + 1), std::string::npos) << "once\n" << text;
}

TEST(KnockdNames, are_asked_for_a_few_at_a_time) {
  const SystemClock clock;
  auto loop = *os::EventLoop::create(clock);
  auto children = *os::Children::create(*loop);
  Names names(*loop, *children, "nobody", [] {});
  int pending = 0;
  for (std::uint32_t i = 1; i <= 20; ++i) {
    const net::IpAddress address = net::IpAddress::v4(0x7f000000 + i);
    names.look_up(address);
    if (names.is_pending(address)) ++pending;
  }
  EXPECT_EQ(pending, 16);
}

TEST(KnockdNames, hold_nothing_that_could_fool_a_log) {
  EXPECT_TRUE(is_plain_host_name("knocker.example"));
  EXPECT_FALSE(is_plain_host_name(""));
  EXPECT_FALSE(is_plain_host_name("a b"));
  EXPECT_FALSE(is_plain_host_name("a\nOPEN"));
  EXPECT_FALSE(is_plain_host_name(std::string(254, 'a')));
}

}  // namespace
}  // namespace latchkey::knockd
