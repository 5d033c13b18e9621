// SPDX-License-Identifier: GPL-2.0-or-later
// The message channel: framing, strictness, queueing, end.
#include "common/privsep/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "common/privsep/log_channel.h"
#include "common/privsep/loop_channel.h"

namespace latchkey::privsep {
namespace {

struct ChannelTest : ::testing::Test {
  Channel a, b;
  ChannelTest() {
    auto pair = Channel::make_pair();
    EXPECT_TRUE(pair.ok());
    a = std::move(pair->first);
    b = std::move(pair->second);
  }
  /// Sends bytes as they are, around the framing.
  void send_raw(std::string_view hex) {
    const Bytes bytes = *parse_hex(hex);
    ASSERT_EQ(::send(a.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
};

TEST_F(ChannelTest, carries_type_and_payload) {
  ASSERT_TRUE(a.send(7, as_bytes("hello")));
  ASSERT_TRUE(a.send(8, {}));
  auto first = b.receive();
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->type, 7);
  EXPECT_EQ(as_text((*first)->payload), "hello");
  EXPECT_TRUE((*b.receive())->payload.empty());
  auto none = b.receive();
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST_F(ChannelTest, payload_limit_is_exact) {
  EXPECT_TRUE(a.send(1, Bytes(max_payload_bytes)));
  EXPECT_EQ((*b.receive())->payload.size(), max_payload_bytes);
  EXPECT_EQ(a.send(1, Bytes(max_payload_bytes + 1)).error().os_code, EMSGSIZE);
}

TEST_F(ChannelTest, refuses_every_malformed_frame) {
  for (const char* hex : {
           "00",                    // no header
           "00010007000000",        // cut header
           "0002000700000000",      // other version
           "0000000700000000",      // other version
           "0001000700000001",      // payload missing
           "000100070000000161ff",  // something follows
           "00010007ffffffff61",    // length far beyond
       }) {
    send_raw(hex);
    const auto got = b.receive();
    ASSERT_FALSE(got) << hex;
    EXPECT_EQ(got.error().os_code, EBADMSG) << hex;
  }
}

TEST_F(ChannelTest, refuses_a_frame_above_the_limit) {
  const Bytes large(max_payload_bytes + 9);
  ASSERT_GT(::send(a.fd(), large.data(), large.size(), 0), 0);
  EXPECT_EQ(b.receive().error().os_code, EBADMSG);
}

TEST_F(ChannelTest, refuses_a_whole_frame_that_is_one_byte_too_long) {
  const Bytes frame = encode_frame(7, Bytes(max_payload_bytes + 1));
  ASSERT_EQ(::send(a.fd(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  EXPECT_EQ(b.receive().error().os_code, EBADMSG);
  EXPECT_EQ(decode_frame(frame).error().os_code, EBADMSG);
  EXPECT_TRUE(decode_frame(encode_frame(7, Bytes(max_payload_bytes))));
  // Cut by the kernel at the end of our buffer, it would be right.
  Bytes longer = encode_frame(7, Bytes(max_payload_bytes));
  longer.push_back(std::byte{0});
  longer.push_back(std::byte{0});
  ASSERT_EQ(::send(a.fd(), longer.data(), longer.size(), 0), static_cast<ssize_t>(longer.size()));
  EXPECT_EQ(b.receive().error().os_code, EBADMSG);
}

TEST_F(ChannelTest, refuses_descriptors) {
  const Bytes bytes = *parse_hex("0001000700000000");
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = 0;
  std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  ASSERT_GT(sendmsg(a.fd(), &message, 0), 0);
  EXPECT_EQ(b.receive().error().os_code, EBADMSG);
}

TEST_F(ChannelTest, tells_the_end_of_the_other_side) {
  ASSERT_TRUE(a.send(1, {}));
  a.close();
  EXPECT_TRUE(*b.receive()) << "what was sent before the end still arrives";
  EXPECT_EQ(b.receive().error().os_code, EPIPE);
  EXPECT_EQ(b.send(1, {}).error().os_code, EPIPE);
  EXPECT_EQ(a.send(1, {}).error().os_code, EPIPE) << "a closed channel";
}

TEST_F(ChannelTest, queues_in_order_up_to_its_bound) {
  std::uint16_t sent = 0;
  while (a.send(sent, Bytes(1000))) ++sent;
  EXPECT_GT(sent, 1000);
  EXPECT_TRUE(a.has_queued());
  EXPECT_LE(a.queued_bytes(), max_queued_bytes);
  for (std::uint16_t expected = 0; expected < sent; ++expected) {
    const auto message = b.receive();
    ASSERT_TRUE(message.ok() && message->has_value()) << expected;
    ASSERT_EQ((*message)->type, expected);
    ASSERT_TRUE(a.flush());
  }
  EXPECT_FALSE(a.has_queued());
  EXPECT_EQ(a.queued_bytes(), 0u);
}

TEST_F(ChannelTest, overtakes_nothing_that_waits) {
  std::uint16_t sent = 0;
  while (!a.has_queued()) ASSERT_TRUE(a.send(sent++, Bytes(1000)));
  ASSERT_TRUE(b.receive()) << "there is room in the socket now, but another one waits";
  ASSERT_TRUE(a.send(sent++, {}));
  for (std::uint16_t expected = 1; expected < sent; ++expected) {
    ASSERT_TRUE(a.flush());
    const auto message = b.receive();
    ASSERT_TRUE(message.ok() && message->has_value()) << expected;
    ASSERT_EQ((*message)->type, expected);
  }
}

TEST_F(ChannelTest, the_number_of_queued_messages_has_a_bound_too) {
  while (a.send(1, {})) {
  }
  EXPECT_EQ(a.queued_bytes(), max_queued_messages * encode_frame(1, {}).size());
}

TEST_F(ChannelTest, waits_for_a_message) {
  EXPECT_EQ(b.receive_waiting(1).error().os_code, ETIMEDOUT);
  ASSERT_TRUE(a.send(3, {}));
  EXPECT_EQ(b.receive_waiting(1000)->type, 3);
}

struct LoopChannelTest : ChannelTest {
  SystemClock clock;
  std::unique_ptr<os::EventLoop> loop = *os::EventLoop::create(clock);
  std::vector<int> got;
  std::vector<int> ends;
  LoopChannel ours{*loop, std::move(b),
                   [this](const Message& message) {
                     got.push_back(message.type);
                     if (message.type == 777) ours.close();
                     return message.type != 666;
                   },
                   [this](const Error& error) { ends.push_back(error.os_code); }};
};

TEST_F(LoopChannelTest, delivers_messages_then_the_end_once) {
  for (std::uint16_t i = 0; i < 100; ++i) ASSERT_TRUE(a.send(i, {}));
  a.close();
  for (int i = 0; i < 10; ++i) loop->run_ready();
  EXPECT_EQ(got.size(), 100u);
  EXPECT_EQ(ends, std::vector<int>{EPIPE});
  EXPECT_FALSE(ours.is_open());
  ours.send(1, {});
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(LoopChannelTest, a_refused_message_ends_it) {
  ASSERT_TRUE(a.send(666, {}));
  ASSERT_TRUE(a.send(1, {}));
  loop->run_ready();
  EXPECT_EQ(got, std::vector<int>{666});
  EXPECT_EQ(ends, std::vector<int>{EBADMSG});
}

TEST_F(LoopChannelTest, is_silent_after_a_callback_has_closed_it) {
  for (const std::uint16_t type : std::to_array<std::uint16_t>({1, 777, 2})) ASSERT_TRUE(a.send(type, {}));
  a.close();
  for (int i = 0; i < 10; ++i) loop->run_ready();
  EXPECT_EQ(got, (std::vector<int>{1, 777}));
  EXPECT_TRUE(ends.empty());
}

TEST_F(LoopChannelTest, sends_what_is_queued_when_the_other_side_reads) {
  for (std::uint16_t i = 0; i < 3000; ++i) ours.send(i, Bytes(1000));
  EXPECT_GT(ours.queued_bytes(), 0u);
  for (std::uint16_t i = 0; i < 3000; ++i) {
    const auto message = a.receive();
    ASSERT_TRUE(message.ok() && message->has_value()) << i;
    ASSERT_EQ((*message)->type, i);
    loop->run_ready();
  }
  EXPECT_EQ(ours.queued_bytes(), 0u);
}

TEST_F(LoopChannelTest, a_paused_channel_reads_nothing) {
  ours.pause(true);
  ASSERT_TRUE(a.send(1, {}));
  loop->run_ready();
  EXPECT_TRUE(got.empty());
  ours.pause(false);
  loop->run_ready();
  EXPECT_EQ(got, std::vector<int>{1});
}

TEST(LogRecord, is_checked_on_arrival) {
  const auto good = decode_log_record(encode_log_record(log::Level::warning, "a\tb\n \xc3\xbc"));
  ASSERT_TRUE(good);
  EXPECT_EQ(good->level, log::Level::warning);
  EXPECT_EQ(good->text, "a\tb\n \xc3\xbc");
  EXPECT_EQ(encode_log_record(log::Level::info, std::string(10000, 'x')).size(), max_log_text_bytes + 1);
  for (const char* hex : {"", "0261", "0861", "041b", "0400", "047f"})
    EXPECT_FALSE(decode_log_record(*parse_hex(hex))) << hex;
  EXPECT_FALSE(decode_log_record(Bytes(max_log_text_bytes + 2, std::byte{4})));
}

}  // namespace
}  // namespace latchkey::privsep
