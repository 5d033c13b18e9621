// SPDX-License-Identifier: GPL-2.0-or-later
// Captures from files and (as root) from the loopback interface; filter programs.
#include "common/net/capture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "common/base/fd.h"
#include "common/net/packet.h"
#include "common/net/raw_packet.h"

namespace latchkey::net {
namespace {

const RawHeader header{.source = IpAddress::v4(0x0a090002), .destination = IpAddress::v4(0x0a090001)};

std::string little_endian(std::uint64_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}

/// A capture file of RAW packets, each one second later than the one before; removed at the end.
class CaptureFile {
 public:
  explicit CaptureFile(const std::vector<Bytes>& packets, std::string_view tail = "") {
    std::string text = little_endian(0xa1b2c3d4, 4) + little_endian(2, 2) + little_endian(4, 2) + little_endian(0, 8) +
                       little_endian(65535, 4) + little_endian(101, 4);
    std::uint32_t second = 1700000000;
    for (const Bytes& packet : packets) {
      const auto size = static_cast<std::uint32_t>(packet.size());
      text += little_endian(second++, 4) + little_endian(250000, 4) + little_endian(size, 4) +
              little_endian(size + 100, 4) + std::string(as_text(packet));
    }
    text += tail;
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder ? folder : "/tmp") + "/latchkey-capture-XXXXXX";
    const Fd file(::mkostemp(path_.data(), O_CLOEXEC));
    EXPECT_TRUE(write_all(file.get(), text));
  }
  ~CaptureFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<Bytes> three_packets() {
  return {build_udp(header, 1, 62201, as_bytes("a")), build_tcp_syn(header, 1, 7000, {}),
          build_udp(header, 1, 53, as_bytes("c"))};
}

TEST(FileCapture, hands_over_packets_then_ends) {
  const CaptureFile file(three_packets());
  auto capture = Capture::open_file(file.path());
  ASSERT_TRUE(capture) << capture.error().text;
  EXPECT_EQ(capture->link_type(), LinkType::raw);
  EXPECT_EQ(capture->fd(), -1);
  EXPECT_FALSE(capture->is_live());
  std::vector<std::int64_t> times;
  const PacketHandler remember = [&](const PacketRef& packet) {
    times.push_back(packet.time.time_since_epoch().count());
    EXPECT_EQ(packet.wire_length_bytes, packet.bytes.size() + 100);
    EXPECT_EQ(parse_packet(capture->link_type(), packet.bytes).fault, PacketFault::none);
  };
  const auto first = capture->dispatch(2, remember);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->packets, 2);
  EXPECT_FALSE(first->is_end_of_file);
  EXPECT_EQ(capture->dispatch(2, remember)->packets, 1);
  EXPECT_TRUE(capture->dispatch(2, remember)->is_end_of_file);
  EXPECT_EQ(times, (std::vector<std::int64_t>{1700000000250000, 1700000001250000, 1700000002250000}));
}

TEST(FileCapture, filters_by_text_and_by_program) {
  const CaptureFile file(three_packets());
  int packets = 0;
  const PacketHandler count = [&](const PacketRef&) { ++packets; };
  auto by_text = Capture::open_file(file.path());
  const auto program = by_text->compile("udp port 62201");
  ASSERT_TRUE(program);
  ASSERT_TRUE(by_text->set_filter(*program));
  EXPECT_TRUE(by_text->dispatch(100, count));
  EXPECT_EQ(packets, 1);
  auto nothing = Capture::open_file(file.path());
  ASSERT_TRUE(nothing->set_filter(reject_all_filter()));
  EXPECT_TRUE(nothing->dispatch(100, count));
  EXPECT_EQ(packets, 1);
  auto all = Capture::open_file(file.path());
  ASSERT_TRUE(all->set_filter({}));
  EXPECT_TRUE(all->dispatch(100, count));
  EXPECT_EQ(packets, 4);
}

TEST(FileCapture, passes_on_texts_of_libpcap) {
  EXPECT_EQ(Capture::open_file("/nonexistent/x.pcap").error().text, "/nonexistent/x.pcap: No such file or directory");
  const CaptureFile cut(three_packets(), "torn");
  auto capture = Capture::open_file(cut.path());
  const auto outcome = capture->dispatch(100, [](const PacketRef&) {});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().text.find("truncated dump file"), std::string::npos) << outcome.error().text;
  EXPECT_EQ(capture->compile("port port").error().text, "can't parse filter expression: syntax error");
}

TEST(FileCapture, lets_exceptions_of_the_handler_through) {
  const CaptureFile file(three_packets());
  auto capture = Capture::open_file(file.path());
  int packets = 0;
  const PacketHandler fails_on_second = [&](const PacketRef&) {
    if (++packets == 2) throw std::runtime_error("handler");
  };
  EXPECT_THROW(static_cast<void>(capture->dispatch(100, fails_on_second)), std::runtime_error);
  EXPECT_EQ(packets, 2);
}

TEST(FileCapture, can_be_broken_off) {
  const CaptureFile file(three_packets());
  auto capture = Capture::open_file(file.path());
  const auto outcome = capture->dispatch(100, [&](const PacketRef&) { capture->break_dispatch(); });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->packets, 1);
  EXPECT_FALSE(outcome->is_end_of_file);
}

TEST(Filter, compiles_without_a_device) {
  const auto program = compile_filter("udp dst port 62201", LinkType::raw, 1500);
  ASSERT_TRUE(program);
  const auto packets = three_packets();
  EXPECT_TRUE(filter_passes(*program, packets[0], packets[0].size()));
  EXPECT_FALSE(filter_passes(*program, packets[1], packets[1].size()));
  EXPECT_FALSE(filter_passes(reject_all_filter(), packets[0], packets[0].size()));
  EXPECT_TRUE(filter_passes({}, packets[0], packets[0].size()));
  EXPECT_EQ(compile_filter("syntax (", LinkType::ethernet, 1500).error().text,
            "can't parse filter expression: syntax error");
}

class LiveCapture : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Capture::open_live({.interface = "lo"});
    if (!opened) GTEST_SKIP() << opened.error().text;
    capture_.emplace(std::move(opened).value());
  }
  std::optional<Capture> capture_;
};

TEST_F(LiveCapture, sees_a_datagram_at_once) {
  const auto program = capture_->compile("udp dst port 47808");
  ASSERT_TRUE(program);
  ASSERT_TRUE(capture_->set_filter(*program));
  ASSERT_TRUE(capture_->lock_filter());
  ASSERT_TRUE(capture_->set_direction(Direction::in));
  EXPECT_EQ(capture_->dispatch(10, [](const PacketRef&) {})->packets, 0);
  EXPECT_FALSE(capture_->is_interface_gone());
  ASSERT_TRUE(knock_udp({.address = IpAddress::v4(0x7f000001), .port = 47808}));
  pollfd waiting{.fd = capture_->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
  std::size_t payload = 0;
  const auto outcome = capture_->dispatch(10, [&](const PacketRef& packet) {
    const PacketView view = parse_packet(capture_->link_type(), packet.bytes);
    EXPECT_EQ(view.destination_port, 47808);
    payload = view.payload_length;
  });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->packets, 1);
  EXPECT_EQ(payload, 1u);
}

TEST(LiveCaptureError, names_the_interface_as_pcap_open_live_does) {
  const auto capture = Capture::open_live({.interface = "nosuch0"});
  ASSERT_FALSE(capture);
  if (capture.error().kind == CaptureError::Kind::no_permission) GTEST_SKIP() << capture.error().text;
  EXPECT_EQ(capture.error().kind, CaptureError::Kind::no_such_interface);
  EXPECT_EQ(capture.error().text, "nosuch0: No such device exists (No such device exists)");
}

}  // namespace
}  // namespace latchkey::net
