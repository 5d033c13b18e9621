// SPDX-License-Identifier: GPL-2.0-or-later
// Packet headers: every link type, options, extension headers, fragments, and every way of being cut.
#include "common/net/packet.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/net/raw_packet.h"

namespace latchkey::net {
namespace {

const IpAddress source = IpAddress::v4(0x0a090002);
const IpAddress destination = IpAddress::v4(0x0a090001);
const RawHeader header{.source = source, .destination = destination, .id = 77};

Bytes hex(std::string_view text) { return *parse_hex(text); }
Bytes joined(Bytes first, ByteView second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}
Bytes udp_datagram() { return build_udp(header, 4000, 62201, as_bytes("payload")); }

/// IPv6 from fd00:9::2 to fd00:9::1; `rest` follows the fixed header.
Bytes ipv6_datagram(std::uint8_t next_header, std::string_view rest_hex) {
  const Bytes rest = hex(rest_hex);
  Writer writer;
  writer.put_u32(0x60000000);
  writer.put_u16(static_cast<std::uint16_t>(rest.size()));
  writer.put_u8(next_header);
  writer.put_u8(64);
  writer.put(parse_ip_address("fd00:9::2")->bytes());
  writer.put(parse_ip_address("fd00:9::1")->bytes());
  writer.put(rest);
  return writer.release();
}
constexpr std::string_view udp_hex = "0fa0f2f9000c00006f6b6f6b";  // 4000 -> 62201, "okok"

struct LinkCase {
  const char* name;
  LinkType link;
  std::string_view header_hex;
  std::uint8_t vlan_depth = 0;
  bool is_snap = false;
};
constexpr std::string_view macs = "020000000001020000000002";

class EveryLinkType : public testing::TestWithParam<LinkCase> {
 protected:
  Bytes frame() const {
    std::string head(GetParam().header_hex);
    if (head.starts_with("@")) head = std::string(macs) + head.substr(1);
    return joined(hex(head), udp_datagram());
  }
};

TEST_P(EveryLinkType, is_parsed_to_the_payload) {
  const Bytes bytes = joined(frame(), hex("00000000000000"));  // link padding
  const PacketView view = parse_packet(GetParam().link, bytes);
  EXPECT_EQ(view.fault, PacketFault::none);
  EXPECT_EQ(view.ether_type, 0x0800);
  EXPECT_EQ(view.vlan_depth, GetParam().vlan_depth);
  EXPECT_EQ(view.is_snap, GetParam().is_snap);
  EXPECT_EQ(view.ip_version, 4);
  EXPECT_EQ(view.source, source);
  EXPECT_EQ(view.destination, destination);
  EXPECT_EQ(view.protocol, IpProtocol::udp);
  EXPECT_EQ(view.source_port, 4000);
  EXPECT_EQ(view.destination_port, 62201);
  EXPECT_EQ(as_text(view.payload), "payload");
  EXPECT_EQ(view.payload_length, 7u);
  EXPECT_FALSE(view.is_cut);
}

TEST_P(EveryLinkType, cut_anywhere_is_a_fault_or_a_cut) {
  const Bytes bytes = frame();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    // A copy of exact size: a read beyond it is seen by the sanitizers and Valgrind.
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const PacketView view = parse_packet(GetParam().link, cut);
    EXPECT_TRUE(view.fault != PacketFault::none || view.is_cut) << length;
    EXPECT_NE(view.fault, PacketFault::unknown_link_type);
  }
}

TEST_P(EveryLinkType, survives_any_changed_bit) {
  Bytes bytes = frame();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const std::byte mask{static_cast<unsigned char>(1U << bit % 8)};
    bytes[bit / 8] ^= mask;
    const PacketView view = parse_packet(GetParam().link, bytes);
    EXPECT_LE(view.payload.size(), bytes.size());
    if (view.fault == PacketFault::none) {
      EXPECT_GE(view.payload_length, view.payload.size());
    }
    bytes[bit / 8] ^= mask;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Links, EveryLinkType,
    testing::Values(LinkCase{"ethernet", LinkType::ethernet, "@0800"},
                    LinkCase{"vlan", LinkType::ethernet, "@810000070800", 1},
                    LinkCase{"provider_vlan", LinkType::ethernet, "@88a800070800", 1},
                    LinkCase{"double_vlan", LinkType::ethernet, "@88a80064810000070800", 2},
                    LinkCase{"triple_vlan", LinkType::ethernet,
                             "@910000648100000781000008"
                             "0800",
                             3},
                    LinkCase{"snap", LinkType::ethernet, "@0030aaaa030000000800", 0, true},
                    LinkCase{"bridge_tunnel", LinkType::ethernet, "@0030aaaa030000f80800", 0, true},
                    LinkCase{"vlan_snap", LinkType::ethernet, "@810000070030aaaa030000000800", 1, true},
                    LinkCase{"sll", LinkType::sll, "00000001000602000000000100000800"},
                    LinkCase{"sll2", LinkType::sll2, "0800000000000003000100060200000000010000"},
                    LinkCase{"null_little_endian", LinkType::null, "02000000"},
                    LinkCase{"null_big_endian", LinkType::null, "00000002"},
                    LinkCase{"loop", LinkType::loop, "00000002"}, LinkCase{"raw", LinkType::raw, ""},
                    LinkCase{"raw_file", LinkType::raw_file, ""}, LinkCase{"ipv4", LinkType::ipv4, ""},
                    LinkCase{"ppp", LinkType::ppp, "ff030021"}, LinkCase{"ppp_bare", LinkType::ppp, "0021"},
                    LinkCase{"ppp_compressed", LinkType::ppp, "21"},
                    LinkCase{"ppp_ether", LinkType::ppp_ether, "1100000100290021"}),
    [](const auto& row) { return row.param.name; });

TEST(LinkHeader, of_another_protocol_is_not_ip) {
  for (std::string_view head : {"@0806", "@8847", "@0030424203", "@0030aaaa030a0b0c0800"}) {
    const Bytes bytes = joined(hex(std::string(macs) + std::string(head.substr(1))), udp_datagram());
    EXPECT_EQ(parse_packet(LinkType::ethernet, bytes).fault, PacketFault::not_ip) << head;
  }
  EXPECT_EQ(parse_packet(LinkType::ppp, hex("ff03c021")).fault, PacketFault::not_ip);
  EXPECT_EQ(parse_packet(LinkType::ppp_ether, joined(hex("1109000000000021"), udp_datagram())).fault,
            PacketFault::not_ip);
  EXPECT_EQ(parse_packet(LinkType{105}, udp_datagram()).fault, PacketFault::unknown_link_type);
  EXPECT_FALSE(is_known_link_type(LinkType{105}));
  EXPECT_TRUE(is_known_link_type(LinkType::sll2));
}

TEST(LinkHeader, must_agree_with_the_version_nibble) {
  EXPECT_EQ(parse_packet(LinkType::ethernet, joined(hex(std::string(macs) + "86dd"), udp_datagram())).fault,
            PacketFault::bad_version);
  EXPECT_EQ(parse_packet(LinkType::ipv6, udp_datagram()).fault, PacketFault::bad_version);
  Bytes version_5 = udp_datagram();
  version_5[0] = std::byte{0x55};
  const PacketView view = parse_packet(LinkType::raw, version_5);
  EXPECT_EQ(view.fault, PacketFault::bad_version);
  EXPECT_EQ(view.version_nibble, 5);
  EXPECT_EQ(view.ip_version, 0);
}

TEST(LinkHeader, tags_without_end_are_refused) {
  std::string head(macs);
  for (int i = 0; i < 9; ++i) head += "81000001";
  const PacketView view = parse_packet(LinkType::ethernet, joined(hex(head + "0800"), udp_datagram()));
  EXPECT_EQ(view.fault, PacketFault::not_ip);
  EXPECT_EQ(view.vlan_depth, 8);
  EXPECT_EQ(view.outer_tag, 0x8100);
}

/// A copy of the UDP datagram with the bytes at `at` replaced.
Bytes changed(std::size_t at, std::string_view hex_text) {
  Bytes bytes = udp_datagram();
  const Bytes with = hex(hex_text);
  std::copy(with.begin(), with.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

TEST(Ipv4, options_are_skipped_for_every_header_length) {
  for (std::uint8_t words = 6; words <= 15; ++words) {
    Bytes bytes = udp_datagram();
    bytes[0] = static_cast<std::byte>(0x40 | words);
    bytes[3] = static_cast<std::byte>(bytes.size() + (words - 5u) * 4);
    bytes.insert(bytes.begin() + 20, (words - 5u) * 4, std::byte{1});
    const PacketView view = parse_packet(LinkType::raw, bytes);
    EXPECT_EQ(view.fault, PacketFault::none);
    EXPECT_EQ(view.ip_header_length, words * 4);
    EXPECT_EQ(as_text(view.payload), "payload");
  }
}

TEST(Ipv4, bad_lengths_are_faults) {
  EXPECT_EQ(parse_packet(LinkType::raw, changed(0, "44")).fault, PacketFault::bad_ip_header);
  EXPECT_EQ(parse_packet(LinkType::raw, changed(2, "0013")).fault, PacketFault::bad_ip_header);
  EXPECT_EQ(parse_packet(LinkType::raw, changed(2, "0000")).fault, PacketFault::bad_ip_header);
  EXPECT_EQ(parse_packet(LinkType::raw, changed(2, "001b")).fault, PacketFault::short_transport_header);
  const Bytes longer = changed(2, "0123");
  const PacketView cut = parse_packet(LinkType::raw, longer);
  EXPECT_EQ(cut.fault, PacketFault::none);
  EXPECT_TRUE(cut.is_cut);
  EXPECT_EQ(cut.payload.size(), 7u);
  EXPECT_EQ(cut.payload_length, 0x123u - 28);
}

TEST(Ipv4, only_the_first_fragment_has_ports) {
  const Bytes first = changed(6, "2000");
  const PacketView first_view = parse_packet(LinkType::raw, first);
  EXPECT_TRUE(first_view.is_fragment());
  EXPECT_TRUE(first_view.has_ports);
  const Bytes later = changed(6, "0001");
  const PacketView later_view = parse_packet(LinkType::raw, later);
  EXPECT_EQ(later_view.fragment_offset_bytes, 8);
  EXPECT_FALSE(later_view.has_ports);
  EXPECT_EQ(later_view.payload.size(), 15u);
  EXPECT_FALSE(parse_packet(LinkType::raw, changed(6, "4000")).is_fragment());  // don't fragment
}

TEST(Tcp, options_flags_and_bad_offsets) {
  Bytes bytes = build_tcp_syn(header, 1, 7000, as_bytes("data"));
  EXPECT_EQ(parse_packet(LinkType::raw, bytes).tcp_flags, tcp_flag::syn);
  EXPECT_EQ(as_text(parse_packet(LinkType::raw, bytes).payload), "data");
  bytes[32] = std::byte{0x60};
  EXPECT_EQ(parse_packet(LinkType::raw, bytes).payload.size(), 0u);
  for (const auto offset : {std::byte{0x40}, std::byte{0x70}, std::byte{0xf0}}) {
    bytes[32] = offset;
    const PacketView view = parse_packet(LinkType::raw, bytes);
    EXPECT_EQ(view.fault, PacketFault::bad_transport_header);
    EXPECT_TRUE(view.has_ports);
    EXPECT_EQ(view.destination_port, 7000);
  }
}

TEST(Tcp, header_of_four_bytes_is_too_short) {
  Bytes bytes = build_tcp_syn(header, 1, 7000, {});
  bytes.resize(24);
  bytes[3] = std::byte{24};
  const PacketView view = parse_packet(LinkType::raw, bytes);
  EXPECT_EQ(view.fault, PacketFault::short_transport_header);
  EXPECT_FALSE(view.has_ports);
}

TEST(Icmp, has_type_code_and_payload) {
  const Bytes bytes = build_icmp(header, 3, 4, 0, 0, as_bytes("data"));
  const PacketView view = parse_packet(LinkType::raw, bytes);
  EXPECT_EQ(view.icmp_type, 3);
  EXPECT_EQ(view.icmp_code, 4);
  EXPECT_FALSE(view.has_ports);
  EXPECT_EQ(as_text(view.payload), "data");
}

TEST(OtherProtocol, has_the_ip_payload) {
  const Bytes bytes = changed(9, "2f");
  const PacketView view = parse_packet(LinkType::raw, bytes);
  EXPECT_EQ(view.fault, PacketFault::none);
  EXPECT_EQ(view.protocol, IpProtocol{47});
  EXPECT_EQ(view.payload.size(), 15u);
}

TEST(Ipv6, plain_udp) {
  const Bytes bytes = ipv6_datagram(17, udp_hex);
  for (const LinkType link : {LinkType::raw, LinkType::ipv6}) {
    const PacketView view = parse_packet(link, bytes);
    EXPECT_EQ(view.fault, PacketFault::none);
    EXPECT_EQ(view.ip_version, 6);
    EXPECT_EQ(format_ip_address(view.source), "fd00:9::2");
    EXPECT_EQ(view.destination_port, 62201);
    EXPECT_EQ(view.extension_headers, 0);
    EXPECT_EQ(as_text(view.payload), "okok");
  }
  EXPECT_EQ(parse_packet(LinkType::sll, joined(hex("000000010006020000000001000086dd"), bytes)).fault,
            PacketFault::none);
  EXPECT_EQ(parse_packet(LinkType::null, joined(hex("1e000000"), bytes)).fault, PacketFault::none);
  EXPECT_EQ(parse_packet(LinkType::ppp, joined(hex("0057"), bytes)).fault, PacketFault::none);
}

TEST(Ipv6, extension_headers_are_counted_and_skipped) {
  // hop-by-hop, destination options (16 bytes), authentication (12 bytes), then UDP
  const std::string chain = std::string("3c00010400000000") + "3301010c000000000000000000000000" +
                            "110100000000000000000000" + std::string(udp_hex);
  const Bytes bytes = ipv6_datagram(0, chain);
  const PacketView view = parse_packet(LinkType::raw, bytes);
  EXPECT_EQ(view.fault, PacketFault::none);
  EXPECT_EQ(view.first_protocol, 0);
  EXPECT_EQ(view.protocol, IpProtocol::udp);
  EXPECT_EQ(view.extension_headers, 3);
  EXPECT_EQ(view.ip_header_length, 40 + 8 + 16 + 12);
  EXPECT_EQ(view.destination_port, 62201);
  EXPECT_EQ(as_text(view.payload), "okok");
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const PacketView cut_view = parse_packet(LinkType::raw, cut);
    EXPECT_TRUE(cut_view.fault != PacketFault::none || cut_view.is_cut) << length;
  }
}

TEST(Ipv6, fragments) {
  const Bytes first = ipv6_datagram(44, "1100000100000007" + std::string(udp_hex));
  const PacketView first_view = parse_packet(LinkType::raw, first);
  EXPECT_TRUE(first_view.more_fragments);
  EXPECT_TRUE(first_view.has_ports);
  const Bytes later = ipv6_datagram(44, "1100000800000007" + std::string(udp_hex));
  const PacketView later_view = parse_packet(LinkType::raw, later);
  EXPECT_EQ(later_view.fragment_offset_bytes, 8);
  EXPECT_FALSE(later_view.has_ports);
}

TEST(Ipv6, header_chains_without_end_are_refused) {
  std::string chain;
  for (int i = 0; i < 17; ++i) chain += "0000010400000000";
  EXPECT_EQ(parse_packet(LinkType::raw, ipv6_datagram(0, chain)).fault, PacketFault::bad_ip_header);
  EXPECT_EQ(parse_packet(LinkType::raw, ipv6_datagram(0, "1105000000000000")).fault, PacketFault::bad_ip_header);
}

TEST(AnyBytes, never_read_beyond) {
  SeededRng rng(11);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(*rng.below(120));
    ASSERT_TRUE(rng.fill(bytes));
    if (!bytes.empty() && round % 2 == 0) bytes[0] = static_cast<std::byte>(round % 4 == 0 ? 0x45 : 0x60);
    for (const int link : {0, 1, 9, 12, 51, 101, 108, 113, 228, 229, 276})
      EXPECT_LE(parse_packet(LinkType{link}, bytes).payload.size(), bytes.size());
  }
}

}  // namespace
}  // namespace latchkey::net
