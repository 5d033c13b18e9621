// SPDX-License-Identifier: GPL-2.0-or-later
// A sensor of knockd that has been taken over: what it sends is refused, and it is ended, before any of it has an
// effect.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include "common/os/files.h"
#include "common/privsep/coverage.h"
#include "knockd/messages.h"
#include "knockd/monitor.h"
#include "knockd/sensor_link.h"
#include "t/lib/hostile_sensor.h"

namespace latchkey::knockd {
namespace {

std::uint16_t number(MessageType type) { return static_cast<std::uint16_t>(type); }
Bytes message(MessageType type, ByteView payload = {}) { return test::encode_frame(number(type), payload); }

ReadyMessage ready() {
  ReadyMessage message;
  message.interfaces.push_back({.link_type = 1, .warning = ""});
  return message;
}

Bytes reports() {
  Writer batch;
  encode_report(StageReached{0, net::IpAddress::v4(0x0a000005), 1}, batch);
  encode_report(Opened{0, net::IpAddress::v4(0x0a000005)}, batch);
  return batch.release();
}

struct Outcome {
  std::string error;  ///< of the start
  std::string end;    ///< how the process ended
  std::size_t reports = 0;
  int others = 0;
};

/// What the monitor's end makes of the datagrams that follow a good start. `last` reports make the loop end.
Outcome run(const std::vector<Bytes>& datagrams) {
  const SystemClock clock;
  auto loop = *os::EventLoop::create(clock);
  auto children = *os::Children::create(*loop);
  Outcome outcome;
  SensorLink::Events events{
      .on_reports = [&](const std::vector<SensorReport>& some) { outcome.reports += some.size(); },
      .on_doors_taken = [&] { ++outcome.others; },
      .on_capture_lost = [&](const CaptureLostMessage&) { ++outcome.others; },
      .on_replay_done = [&] { loop->stop(); },
      .on_end =
          [&](const std::string& how) {
            outcome.end = how;
            loop->stop();
          }};
  const privsep::MakeProgram make = [&](privsep::Channel channel) -> Result<std::unique_ptr<privsep::ConfinedProgram>> {
    return std::unique_ptr<privsep::ConfinedProgram>(new test::HostileSensor(std::move(channel), datagrams));
  };
  auto link = SensorLink::start(make, {.user = "nobody"}, *loop, *children, std::move(events));
  if (!link) {
    outcome.error = link.error().text;
    return outcome;
  }
  loop->call_after(std::chrono::seconds(20), [&] { loop->stop(); });
  EXPECT_TRUE(loop->run());
  return outcome;
}

TEST(HostileKnockSensor, the_double_works) {
  const Outcome outcome = run({message(MessageType::ready, encode_ready(ready())),
                               message(MessageType::reports, reports()), message(MessageType::replay_done)});
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.end, "");
  EXPECT_EQ(outcome.reports, 2u);
}

TEST(HostileKnockSensor, anything_but_readiness_first_is_no_start) {
  for (const Bytes& first : {message(MessageType::reports, reports()), message(MessageType::ready, Bytes(3)),
                             test::encode_frame(0, {}), Bytes(5)}) {
    const Outcome outcome = run({first});
    EXPECT_TRUE(outcome.error.starts_with("error: the packet sensor does not start")) << outcome.error;
    EXPECT_EQ(outcome.reports, 0u);
  }
}

TEST(HostileKnockSensor, is_ended_by_the_first_message_that_is_not_one) {
  struct Row {
    std::string name;
    Bytes bytes;
  };
  const Bytes good = reports();
  std::vector<Row> rows{
      {"type 0", test::encode_frame(0, {})},
      {"type 65535", test::encode_frame(65535, good)},
      {"a message of the monitor", message(MessageType::addresses, encode_addresses({}))},
      {"the monitor's doors", message(MessageType::doors, good)},
      {"ready again", message(MessageType::ready, encode_ready(ready()))},
      {"reports cut", message(MessageType::reports, ByteView(good).first(good.size() - 1))},
      {"reports of 64 KiB ones", message(MessageType::reports, Bytes(privsep::max_payload_bytes, std::byte{0xff}))},
      {"capture lost, empty", message(MessageType::capture_lost)},
      {"doors taken, with more", message(MessageType::doors_taken, Bytes(1))},
      {"replay done, with more", message(MessageType::replay_done, Bytes(1))},
  };
  for (auto& [name, bytes] : test::broken_frames(number(MessageType::reports), good)) rows.push_back({name, bytes});
  for (const Row& row : rows) {
    const Outcome outcome = run({message(MessageType::ready, encode_ready(ready())), row.bytes,
                                 message(MessageType::reports, good), message(MessageType::replay_done)});
    EXPECT_EQ(outcome.error, "") << row.name;
    // Its channel is closed before it is killed: it may be quicker to leave.
    EXPECT_TRUE(outcome.end == "killed by signal " + std::to_string(SIGKILL) || outcome.end == "exit status 0")
        << row.name << ": " << outcome.end;
    EXPECT_EQ(outcome.others, 0) << row.name;
    EXPECT_EQ(outcome.reports, 0u) << row.name << ": what follows is not served";
  }
}

/// A whole daemon, which reads a capture file as far as it knows, with a sensor that says what it likes. It ends when
/// the sensor tells that the file has ended.
class HostileDaemon : public testing::Test {
 protected:
  HostileDaemon() {
    std::string pattern = testing::TempDir() + "knockd_hostile.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    options_.replay_file = "none";
    options_.log_file = folder_ + "/log";
    options_.is_debug = true;
    add("v4", "10.0.0.1", true);
    add("v6", "fd00::1", true);
    add("disabled", nullptr, false);
  }
  ~HostileDaemon() override { std::filesystem::remove_all(folder_); }

  void add(const std::string& name, const char* target, bool has_sequence) {
    Door door;
    door.name = name;
    if (has_sequence) door.lock.sequence = {{net::IpProtocol::tcp, 7000}};
    if (target != nullptr) door.lock.target = net::parse_ip_address(target);
    door.v4 = {.start = "echo " + name + " %IP% >>" + folder_ + "/out", .stop = std::nullopt};
    config_.doors.push_back(door);
    config_.one_time.push_back(nullptr);
  }

  /// What the commands wrote. The log is in `log_`.
  std::string run(std::vector<Bytes> datagrams) {
    datagrams.push_back(message(MessageType::replay_done));
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      _exit(run_daemon(datagrams));
    }
    waitpid(pid, &status_, 0);
    log_ = os::read_file(folder_ + "/log", 1 << 20).value_or("");
    return os::read_file(folder_ + "/out", 1 << 20).value_or("");
  }

  static Bytes report(const SensorReport& what) {
    Writer batch;
    encode_report(what, batch);
    return message(MessageType::reports, batch.view());
  }

  std::string folder_;
  Options options_;
  Config config_;
  int status_ = -1;
  std::string log_;

 private:
  int run_daemon(const std::vector<Bytes>& datagrams) {
    const SystemClock clock;
    Output output({.is_verbose = true, .is_debug = true}, clock);
    config::SuiteSettings suite;
    suite.sandbox_user = "nobody";
    Monitor monitor(options_, suite, config_, output, clock);
    monitor.use_sensor([&](privsep::Channel channel) -> Result<std::unique_ptr<privsep::ConfinedProgram>> {
      return std::unique_ptr<privsep::ConfinedProgram>(new test::HostileSensor(std::move(channel), datagrams));
    });
    const int status = monitor.run({}, {});
    privsep::write_coverage();
    return status;
  }
};

const net::IpAddress v4_source = net::IpAddress::v4(0x0a000005);
const net::IpAddress v6_source = *net::parse_ip_address("fd00::5");

TEST_F(HostileDaemon, opens_the_doors_that_there_are_to_those_who_can_have_knocked) {
  const std::string out =
      run({message(MessageType::ready, encode_ready(ready())), report(Opened{3, v4_source}),
           report(Opened{0xffffffff, v4_source}), report(Opened{0, v6_source}), report(Opened{1, v4_source}),
           report(Opened{2, v4_source}), report(Opened{0, v4_source})});
  EXPECT_EQ(status_, 0);
  EXPECT_EQ(out, "v4 10.0.0.5\n") << log_;
  EXPECT_EQ(log_.find("disabled"), std::string::npos) << log_;
}

TEST_F(HostileDaemon, writes_no_line_about_what_cannot_be) {
  std::vector<Bytes> datagrams{message(MessageType::ready, encode_ready(ready()))};
  for (const DoorIndex door : {DoorIndex{2}, DoorIndex{3}, DoorIndex{0xffffffff}}) {
    datagrams.push_back(report(StageReached{door, v4_source, 1}));
    datagrams.push_back(report(TimedOut{door, v4_source, 1}));
    datagrams.push_back(report(Evicted{door, v4_source}));
  }
  datagrams.push_back(report(FlagUnmet{0xff, true}));
  datagrams.push_back(report(Removed{v6_source, false}));
  datagrams.push_back(report(PacketSeen{.time_us = INT64_MIN, .hit = {net::IpProtocol::udp, 1}}));
  datagrams.push_back(report(PacketSeen{.time_us = INT64_MAX, .hit = {net::IpProtocol::udp, 1}}));
  datagrams.push_back(message(MessageType::doors_taken));
  EXPECT_EQ(run(datagrams), "");
  EXPECT_EQ(status_, 0) << log_;
  EXPECT_EQ(log_.find("10.0.0.5"), std::string::npos) << log_;
}

TEST_F(HostileDaemon, loses_no_interface_that_it_does_not_have) {
  for (const std::uint32_t interface : {1U, 0xffffffffU}) {
    run({message(MessageType::ready, encode_ready(ready())),
         message(MessageType::capture_lost, encode_capture_lost({interface, true, "gone"})),
         report(Opened{0, v4_source})});
    EXPECT_EQ(status_, 0) << log_;
  }
  EXPECT_EQ(os::read_file(folder_ + "/out", 100).value_or(""), "v4 10.0.0.5\nv4 10.0.0.5\n");
}

TEST_F(HostileDaemon, does_not_start_with_an_interface_too_many) {
  ReadyMessage more = ready();
  more.interfaces.push_back({.link_type = 1, .warning = "of an interface that nobody has named"});
  EXPECT_EQ(run({message(MessageType::ready, encode_ready(more)), report(Opened{0, v4_source})}), "");
  EXPECT_TRUE(WIFEXITED(status_) && WEXITSTATUS(status_) == 1) << status_;
}

TEST(KnockMessages, the_end_of_the_doors_is_one_flag) {
  for (const bool writes_lines : {false, true})
    EXPECT_EQ(decode_doors_end(encode_doors_end({writes_lines})).value().writes_lines, writes_lines);
  EXPECT_FALSE(decode_doors_end({}));
  EXPECT_FALSE(decode_doors_end(Bytes(2)));
  EXPECT_FALSE(decode_doors_end(Bytes(1, std::byte{2})));
}

TEST(HostileKnockReports, have_one_meaning_or_none) {
  int accepted = 0;
  test::for_each_mutation(reports(), [&](ByteView mutated) {
    const auto decoded = decode_reports(mutated);
    if (!decoded) return;
    ++accepted;
    Writer again;
    for (const SensorReport& report : *decoded) encode_report(report, again);
    EXPECT_TRUE(std::ranges::equal(again.view(), mutated)) << format_hex(mutated);
  });
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace latchkey::knockd
