// SPDX-License-Identifier: GPL-2.0-or-later
// Packets made by hand: exact bytes and checksums.
#include "common/net/raw_packet.h"

#include <gtest/gtest.h>

namespace latchkey::net {
namespace {

const RawHeader header{.source = IpAddress::v4(0x01020304), .destination = IpAddress::v4(0x0a090001), .id = 0xbeef};

/// Over a correct header or segment (with its pseudo header) the checksum is zero.
std::uint16_t transport_sum(const Bytes& packet, IpProtocol protocol) {
  const ByteView segment = ByteView(packet).subspan(20);
  Writer all;
  all.put(ByteView(packet).subspan(12, 8));
  all.put_u16(static_cast<std::uint16_t>(protocol));
  all.put_u16(static_cast<std::uint16_t>(segment.size()));
  all.put(segment);
  return internet_checksum(all.view());
}

TEST(Checksum, of_the_example_in_rfc_1071) {
  EXPECT_EQ(internet_checksum(*parse_hex("0001f203f4f5f6f7")), 0x220d);
  EXPECT_EQ(internet_checksum(*parse_hex("01")), 0xfeff);
  EXPECT_EQ(internet_checksum({}), 0xffff);
}

TEST(RawPacket, udp_has_the_fields_of_the_peer) {
  const Bytes packet = build_udp(header, 4000, 62201, as_bytes("abc"));
  EXPECT_EQ(format_hex(ByteView(packet).first(10)), "4500001fbeef0000ff11");
  EXPECT_EQ(format_hex(ByteView(packet).subspan(12, 14)), "010203040a0900010fa0f2f9000b");
  EXPECT_EQ(internet_checksum(ByteView(packet).first(20)), 0);
  EXPECT_EQ(transport_sum(packet, IpProtocol::udp), 0);
  EXPECT_EQ(as_text(ByteView(packet).subspan(28)), "abc");
}

TEST(RawPacket, tcp_is_a_lone_syn) {
  const Bytes packet = build_tcp_syn(header, 4000, 62201, as_bytes("abcd"));
  EXPECT_EQ(packet.size(), 44u);
  EXPECT_EQ(format_hex(ByteView(packet).subspan(20, 16)), "0fa0f2f9000000010000000050027fff");
  EXPECT_EQ(format_hex(ByteView(packet).subspan(38, 2)), "0000");
  EXPECT_EQ(internet_checksum(ByteView(packet).first(20)), 0);
  EXPECT_EQ(transport_sum(packet, IpProtocol::tcp), 0);
}

TEST(RawPacket, icmp_has_id_and_sequence) {
  const Bytes packet = build_icmp(header, 8, 0, 0x1234, 1, as_bytes("abc"));
  EXPECT_EQ(format_hex(ByteView(packet).subspan(20, 2)), "0800");
  EXPECT_EQ(format_hex(ByteView(packet).subspan(24, 4)), "12340001");
  EXPECT_EQ(internet_checksum(ByteView(packet).subspan(20)), 0);
}

TEST(RawPacket, udp_never_says_that_it_has_no_checksum) {
  // One of the 65,536 payloads makes the sum come out as zero.
  for (unsigned word = 0; word < 65536; ++word) {
    Writer payload;
    payload.put_u16(static_cast<std::uint16_t>(word));
    const Bytes packet = build_udp(header, 1, 2, payload.view());
    ASSERT_FALSE(packet[26] == std::byte{0} && packet[27] == std::byte{0}) << word;
  }
}

}  // namespace
}  // namespace latchkey::net
