// SPDX-License-Identifier: GPL-2.0-or-later
// A sensor of knockd that has been taken over: what it sends is refused, and it is ended, before any of it has an
// effect.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "knockd/messages.h"
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
