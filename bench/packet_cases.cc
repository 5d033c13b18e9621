// SPDX-License-Identifier: GPL-2.0-or-later
// Packet headers: what every captured packet costs first.
#include <array>

#include "bench/cases.h"
#include "common/net/filter.h"
#include "common/net/packet.h"
#include "common/net/raw_packet.h"

namespace latchkey::bench {
namespace {

Bytes frame(std::string_view link_header_hex) {
  const net::RawHeader header{.source = net::IpAddress::v4(0x0a090002), .destination = net::IpAddress::v4(0x0a090001)};
  Bytes bytes = *parse_hex(link_header_hex);
  const Bytes packet = net::build_udp(header, 4000, 62201, as_bytes(std::string(200, 'x')));
  bytes.insert(bytes.end(), packet.begin(), packet.end());
  return bytes;
}

Work parse(net::LinkType link, std::string_view link_header_hex) {
  return [link, bytes = frame(link_header_hex)] { keep(net::parse_packet(link, bytes)); };
}

constexpr std::string_view macs_hex = "020000000001020000000002";

constexpr auto cases = std::to_array<Case>({
    {"packet/ethernet", [] { return parse(net::LinkType::ethernet, std::string(macs_hex) + "0800"); }},
    {"packet/two_vlan_tags",
     [] { return parse(net::LinkType::ethernet, std::string(macs_hex) + "88a80064810000070800"); }},
    {"packet/cooked", [] { return parse(net::LinkType::sll, "00000001000602000000000100000800"); }},
    {"packet/compile_filter",
     []() -> Work { return [] { keep(net::compile_filter("udp port 62201", net::LinkType::ethernet, 1500)); }; }},
});

}  // namespace

std::span<const Case> packet_cases() { return cases; }

}  // namespace latchkey::bench
