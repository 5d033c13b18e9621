// SPDX-License-Identifier: GPL-2.0-or-later
// Capture filters: the text that -D shows, and that the installed program passes exactly what the matcher wants.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "common/net/packet.h"
#include "knockd/bpf_builder.h"
#include "knockd/filter_program.h"
#include "knockd/filter_text.h"
#include "knockd/matcher.h"
#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

net::IpAddress address(std::string_view text) { return net::parse_ip_address(text).value(); }

const std::vector<net::IpAddress> local{address("10.9.0.1"), address("10.9.0.2"), address("fd00:9::1")};

Lock door(std::string_view sequence, std::string_view flags = "", std::string_view target = "") {
  Lock lock;
  lock.sequence = parse_sequence(sequence).value;
  for (std::size_t start = 0; !flags.empty() && start <= flags.size();) {
    const std::size_t end = std::min(flags.find(',', start), flags.size());
    EXPECT_TRUE(add_tcp_flag(flags.substr(start, end - start), lock.flags));
    start = end + 1;
  }
  lock.target = net::parse_ip_address(target);
  return lock;
}

TEST(KnockdFilterText, is_that_of_knockd) {
  EXPECT_EQ(
      format_filter(door("1:udp,2,3,4:udp", "SYN,!ACK,URG"), local, Family::v4),
      "((dst host 10.9.0.2 or dst host 10.9.0.1) and (((tcp dst port 2 or 3) and tcp[tcpflags] & tcp-syn != 0 and "
      "tcp[tcpflags] & tcp-ack == 0 and tcp[tcpflags] & tcp-urg != 0) or (udp dst port 1 or 4)))");
  EXPECT_EQ(format_filter(door("2", "SYN"), local, Family::v6),
            "((dst host fd00:9::1) and (((tcp dst port 2) and ip6[13+40] & tcp-syn != 0)))");
  EXPECT_EQ(format_filter(door("1:udp,2:udp", "SYN"), local, Family::v4),
            "((dst host 10.9.0.2 or dst host 10.9.0.1) and ((udp dst port 1 or 2)))");
  EXPECT_EQ(format_filter(door("1", "", "fd00::5"), local, Family::v4), std::nullopt);
  EXPECT_EQ(format_filter(door("1", "", "10.5.5.5"), local, Family::v4),
            "((dst host 10.5.5.5) and (((tcp dst port 1))))");
}

/// A frame with an IP packet in it.
struct Frame {
  bool is_v6 = false;
  net::IpAddress destination;
  net::PortProto hit;
  std::uint8_t flags = 0;
  std::uint16_t fragment = 0;
  unsigned option_words = 0;

  Bytes encode(net::LinkType link) const {
    Writer out;
    if (link == net::LinkType::ethernet) out.put(Bytes(12));
    if (link == net::LinkType::sll) out.put(Bytes(14));
    if (link != net::LinkType::raw) out.put_u16(is_v6 ? 0x86dd : 0x0800);
    const bool is_tcp = hit.protocol == net::IpProtocol::tcp;
    const std::uint16_t body = is_tcp ? 20 : 8;
    if (is_v6) {
      out.put_u32(0x60000000);
      out.put_u16(body);
      out.put_u8(static_cast<std::uint8_t>(hit.protocol));
      out.put_u8(64);
      out.put(Bytes(16));
    } else {
      out.put_u8(static_cast<std::uint8_t>(0x45 + option_words));
      out.put_u8(0);
      out.put_u16(static_cast<std::uint16_t>(20 + 4 * option_words + body));
      out.put_u16(1);
      out.put_u16(fragment);
      out.put_u8(64);
      out.put_u8(static_cast<std::uint8_t>(hit.protocol));
      out.put_u16(0);
      out.put(Bytes(4));
    }
    out.put(destination.bytes());
    out.put(Bytes(std::size_t{4} * option_words, std::byte{1}));
    out.put_u16(40000);
    out.put_u16(hit.port);
    if (is_tcp) {
      out.put(Bytes(8));
      out.put_u8(0x50);
      out.put_u8(flags);
      out.put(Bytes(6));
    } else {
      out.put_u16(8);
      out.put_u16(0);
    }
    return out.release();
  }
};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  unsigned below(unsigned bound) { return std::uniform_int_distribution<unsigned>(0, bound - 1)(engine_); }
  bool once_in(unsigned n) { return below(n) == 0; }

 private:
  std::mt19937 engine_;
};

net::IpAddress some_address(Dice& dice, unsigned spread) {
  if (dice.once_in(3)) return address(fmt::format("fd00:9::{:x}", 1 + dice.below(spread)));
  return address(fmt::format("10.9.{}.{}", dice.below(1 + spread / 200), 1 + dice.below(std::min(spread, 200U))));
}

Lock some_door(Dice& dice, unsigned spread) {
  Lock lock;
  for (unsigned i = 0; i <= dice.below(4); ++i)
    lock.sequence.push_back({dice.once_in(3) ? net::IpProtocol::udp : net::IpProtocol::tcp,
                             static_cast<std::uint16_t>(dice.below(10 * spread))});
  if (dice.once_in(2)) lock.flags.set = net::tcp_flag::syn;
  if (dice.once_in(4)) lock.flags.clear = net::tcp_flag::ack;
  if (dice.once_in(3)) lock.target = some_address(dice, spread);
  return lock;
}

Frame some_frame(Dice& dice, unsigned spread) {
  Frame frame;
  frame.destination = some_address(dice, spread);
  frame.is_v6 = frame.destination.is_v6();
  frame.hit = {dice.once_in(3) ? net::IpProtocol::udp : net::IpProtocol::tcp,
               static_cast<std::uint16_t>(dice.below(10 * spread))};
  frame.flags = static_cast<std::uint8_t>(dice.below(64));
  frame.fragment = frame.is_v6 ? 0 : dice.once_in(10) ? 0x2000 : dice.once_in(10) ? 5 : 0;
  frame.option_words = frame.is_v6 ? 0 : dice.below(3);
  return frame;
}

/// How many of some packets pass the program though the matcher does not want them; the reverse must never be.
unsigned count_surplus(Dice& dice, const std::vector<Lock>& doors, net::LinkType link, unsigned spread,
                       unsigned packets) {
  Matcher matcher(doors, {});
  matcher.set_local_addresses(local);
  const auto program = build_filter_program(doors, local, link);
  EXPECT_LE(program.size(), net::max_kernel_filter_instructions);
  unsigned surplus = 0;
  for (unsigned i = 0; i < packets; ++i) {
    const Frame frame = some_frame(dice, spread);
    const Bytes bytes = frame.encode(link);
    const bool is_wanted = (frame.fragment & 0x1fff) == 0 &&
                           matcher.sees({address("10.9.0.9"), frame.destination, frame.hit, frame.flags});
    const bool passes = net::filter_passes(program, bytes, bytes.size());
    EXPECT_TRUE(passes || !is_wanted) << net::format_ip_address(frame.destination) << " " << frame.hit.port;
    if (passes && !is_wanted) ++surplus;
  }
  return surplus;
}

TEST(KnockdFilterProgram, is_exact_with_few_doors) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Dice dice(seed);
    std::vector<Lock> doors;
    for (unsigned i = 0; i < dice.below(12); ++i) doors.push_back(some_door(dice, 5));
    for (const auto link : {net::LinkType::ethernet, net::LinkType::sll, net::LinkType::raw})
      EXPECT_EQ(count_surplus(dice, doors, link, 5, 300), 0U) << "seed " << seed;
  }
}

TEST(KnockdFilterProgram, stays_loadable_with_thousands_of_doors) {
  for (const unsigned count : {300U, 1000U, 5000U}) {
    Dice dice(count);
    std::vector<Lock> doors;
    for (unsigned i = 0; i < count; ++i) doors.push_back(some_door(dice, 6000));
    count_surplus(dice, doors, net::LinkType::ethernet, 6000, 3000);
  }
}

TEST(KnockdFilterProgram, is_exact_with_a_thousand_ordinary_doors) {
  Dice dice(7);
  std::vector<Lock> doors;
  for (unsigned i = 0; i < 1000; ++i)
    doors.push_back(door(fmt::format("{},{},{}", 1000 + 7 * i, 9000 + 3 * i, 20000 + 11 * i), "SYN"));
  EXPECT_EQ(count_surplus(dice, doors, net::LinkType::ethernet, 6000, 5000), 0U);
}

TEST(KnockdFilterProgram, passes_nothing_without_doors_or_addresses) {
  EXPECT_EQ(build_filter_program({}, local, net::LinkType::ethernet), net::reject_all_filter());
  EXPECT_EQ(build_filter_program({door("1")}, {}, net::LinkType::ethernet), net::reject_all_filter());
}

TEST(KnockdBpfBuilder, searches_ranges) {
  for (const unsigned count : {0U, 1U, 2U, 16U, 17U, 300U, 1500U}) {
    std::vector<ValueRange> ranges;
    for (unsigned i = 0; i < count; ++i) ranges.push_back({10 + 20 * i, 10 + 20 * i + i % 3});
    BpfBuilder out;
    const auto reject = out.give_back(0);
    const auto accept = out.give_back(1);
    out.if_in(ranges, accept, reject);
    out.load_half(0);
    const auto program = out.release();
    for (unsigned value = 0; value < 65536; value += value < 400 ? 1 : 7) {
      Writer packet;
      packet.put_u16(static_cast<std::uint16_t>(value));
      const bool is_in = value >= 10 && (value - 10) / 20 < count && (value - 10) % 20 <= (value - 10) / 20 % 3;
      ASSERT_EQ(net::filter_passes(program, packet.view(), 2), is_in) << count << " ranges, value " << value;
    }
  }
}

}  // namespace
}  // namespace latchkey::knockd
