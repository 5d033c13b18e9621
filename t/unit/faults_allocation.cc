// SPDX-License-Identifier: GPL-2.0-or-later
// Memory runs out at every allocation of the paths that a packet takes: std::bad_alloc and nothing else, no broken
// state.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "common/log/logger.h"
#include "common/net/address.h"
#include "common/os/append_log.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "common/privsep/channel.h"
#include "common/privsep/log_channel.h"
#include "common/spa/codec.h"
#include "fwknopd/requests.h"
#include "knockd/matcher.h"
#include "t/lib/failing_new.h"

namespace latchkey {
namespace {

using test::fail_each_allocation;

class Memory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::can_fail()) GTEST_SKIP() << "operator new is somebody else's";
  }
};

TEST_F(Memory, a_log_line_is_written_or_not) {
  class Counter final : public log::Sink {
   public:
    void write(log::Level, std::string_view text) override { bytes += text.size(); }
    std::size_t bytes = 0;
  };
  const std::string user(100, '\n');
  const int failures = fail_each_allocation([&] {
    log::Logger log;
    log.add(std::make_unique<Counter>());
    log.info("a line about {} that is longer than any small buffer, {}", user, 7);
  });
  EXPECT_GT(failures, 2);
}

TEST_F(Memory, timers_and_watches_stay_whole) {
  const SystemClock clock;
  const int failures = fail_each_allocation([&] {
    auto loop = os::EventLoop::create(clock);
    ASSERT_TRUE(loop);
    int runs = 0;
    auto pair = privsep::Channel::make_pair();
    ASSERT_TRUE(pair);
    ASSERT_TRUE((*loop)->watch(pair->first.fd(), os::readable, [&](unsigned) { ++runs; }));
    (*loop)->call_after(std::chrono::microseconds(0), [&] { ++runs; });
    ASSERT_TRUE(pair->second.send(1, {}));
    (*loop)->run_ready();
    EXPECT_EQ(runs, 2);
  });
  EXPECT_GT(failures, 4);
}

TEST_F(Memory, a_full_channel_keeps_count_and_order) {
  const int failures = fail_each_allocation([] {
    const long budget = std::exchange(test::allocations_left, -1);
    auto pair = privsep::Channel::make_pair();
    ASSERT_TRUE(pair);
    std::uint16_t sent = 0;
    while (!pair->first.has_queued()) ASSERT_TRUE(pair->first.send(sent++, Bytes(30000)));
    bool has_failed = false;
    test::allocations_left = budget;
    try {
      for (int i = 0; i < 20; ++i, ++sent) ASSERT_TRUE(pair->first.send(sent, Bytes(10)));
    } catch (const std::bad_alloc&) {
      has_failed = true;
    }
    test::allocations_left = -1;
    for (std::uint16_t expected = 0; expected < sent; ++expected) {
      const auto message = pair->second.receive();
      ASSERT_TRUE(message.ok() && message->has_value());
      ASSERT_EQ((*message)->type, expected);
      ASSERT_TRUE(pair->first.flush());
    }
    EXPECT_FALSE(*pair->second.receive());
    EXPECT_EQ(pair->first.queued_bytes(), 0u);
    if (has_failed) throw std::bad_alloc();
  });
  EXPECT_GT(failures, 20);
}

TEST_F(Memory, a_child_is_started_or_not) {
  const int failures = fail_each_allocation([] {
    os::Command command;
    command.argv = {"true", "with", "some", "arguments that do not fit into a small string buffer"};
    command.output = os::Stream::capture;
    const auto ended = os::run_captured(command, {});
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->is_success());
  });
  EXPECT_GT(failures, 10);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was started and forgotten";
}

TEST_F(Memory, an_append_log_holds_whole_lines) {
  char folder[] = "/tmp/latchkey-memory-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/log";
  fail_each_allocation([&] {
    auto log = os::AppendLog::open(path, {.header = "# a header that is longer than a small string"});
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->append("a line that is longer than a small string buffer, so it needs memory"));
  });
  Fd fd(open(path.c_str(), O_RDONLY));
  const auto text = read_all(fd.get(), 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("# a header") && text->ends_with("needs memory\n")) << *text;
  EXPECT_EQ(text->find("##"), std::string::npos);
  unlink(path.c_str());
  rmdir(folder);
}

TEST_F(Memory, packets_and_messages_are_decoded_or_not) {
  fwknopd::AccessRequest request;
  request.services = {{fwknopd::Protocol::tcp, 22}, {fwknopd::Protocol::udp, 53}};
  request.nat = fwknopd::NatTarget{"a-host-name-that-needs-memory.example.org", 22};
  const Bytes payload = fwknopd::encode(request);
  EXPECT_GT(fail_each_allocation([&] { EXPECT_EQ(fwknopd::decode_access_request(payload), request); }), 1);
  const Bytes record = privsep::encode_log_record(log::Level::info, std::string(100, 'x'));
  EXPECT_GT(fail_each_allocation([&] { EXPECT_TRUE(privsep::decode_log_record(record)); }), 0);
  const std::string encoded = "8716235418746134:cm9vdA:1397329899:2.0.2:1:MTI3LjAuMC4yLHRjcC8yMg";
  const std::string plaintext = encoded + ":" + spa::internal_digest(spa::DigestType::sha256, encoded);
  EXPECT_GT(fail_each_allocation([&] { EXPECT_TRUE(spa::decode(as_bytes(plaintext))); }), 0);
}

TEST_F(Memory, a_knock_counts_or_not) {
  knockd::Lock lock;
  lock.sequence = {{net::IpProtocol::tcp, 7000}, {net::IpProtocol::udp, 8000}};
  lock.target = net::IpAddress::v4(0x0a000002);
  knockd::Knock knock;
  knock.source = net::IpAddress::v4(0x0a000001);
  knock.destination = *lock.target;
  const int failures = fail_each_allocation([&] {
    knockd::Matcher matcher({lock}, {});
    knockd::Reports reports;
    for (const net::PortProto& hit : lock.sequence) {
      knock.hit = hit;
      matcher.handle(knock, 100, reports);
    }
    EXPECT_EQ(reports.size(), 3u);
    EXPECT_EQ(matcher.attempts(), 0u);
  });
  EXPECT_GT(failures, 5);
}

}  // namespace
}  // namespace latchkey
