// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing of link, IP and transport headers. Every read is behind a check against what remains.
#include "common/net/packet.h"

#include <algorithm>

namespace latchkey::net {
namespace {

constexpr std::uint16_t ether_ipv4 = 0x0800;
constexpr std::uint16_t ether_ipv6 = 0x86dd;
constexpr std::uint16_t max_802_3_length = 1500;
constexpr std::uint8_t max_vlan_depth = 8;
constexpr std::uint8_t max_extension_headers = 16;

// The callers have checked that the bytes are there.
std::uint8_t u8(ByteView bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }
std::uint16_t u16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(u8(bytes, at) << 8 | u8(bytes, at + 1));
}
std::uint32_t u32(ByteView bytes, std::size_t at) { return std::uint32_t{u16(bytes, at)} << 16 | u16(bytes, at + 2); }

bool is_vlan_tag(std::uint16_t type) { return type == 0x8100 || type == 0x88a8 || type == 0x9100; }

/// One packet on its way up; `at` is the offset of what has not been read. Each step returns the fault that ends it.
struct Parser {
  ByteView bytes;
  PacketView& view;
  std::size_t at = 0;

  std::size_t remaining() const { return bytes.size() - at; }

  PacketFault require_ip() const {
    return view.ether_type == ether_ipv4 || view.ether_type == ether_ipv6 ? PacketFault::none : PacketFault::not_ip;
  }

  /// `type` stands in the last two bytes before `at`: follows VLAN tags, then an 802.3 length with LLC and SNAP.
  PacketFault ether_payload(std::uint16_t type) {
    while (is_vlan_tag(type) && view.vlan_depth < max_vlan_depth) {
      if (remaining() < 4) return PacketFault::short_link_header;
      if (view.vlan_depth++ == 0) view.outer_tag = type;
      type = u16(bytes, at + 2);
      at += 4;
    }
    view.ether_type = type;
    if (type <= max_802_3_length) return snap_payload();
    return require_ip();
  }

  PacketFault snap_payload() {
    constexpr std::size_t llc_and_snap = 8;
    if (remaining() < 3) return PacketFault::short_link_header;
    if (u8(bytes, at) != 0xaa || u8(bytes, at + 1) != 0xaa || u8(bytes, at + 2) != 0x03) return PacketFault::not_ip;
    if (remaining() < llc_and_snap) return PacketFault::short_link_header;
    const std::uint32_t organisation = u32(bytes, at + 2) & 0xffffff;
    // 00-00-00 is RFC 1042, 00-00-F8 the bridge tunnel of 802.1H: both carry an Ethernet type.
    if (organisation != 0 && organisation != 0xf8) return PacketFault::not_ip;
    view.is_snap = true;
    view.ether_type = u16(bytes, at + 6);
    at += llc_and_snap;
    return require_ip();
  }

  PacketFault ether_header(std::size_t header_length, std::size_t type_at) {
    if (bytes.size() < header_length) return PacketFault::short_link_header;
    at = header_length;
    return ether_payload(u16(bytes, type_at));
  }

  PacketFault family_header() {
    if (bytes.size() < 4) return PacketFault::short_link_header;
    at = 4;
    std::uint32_t family = u32(bytes, 0);
    // NULL is written in the byte order of the capturing host; no family is over 255.
    if (family > 0xffff) family = family >> 24;
    if (family == 2) view.ether_type = ether_ipv4;
    // AF_INET6 of Linux, NetBSD/OpenBSD, FreeBSD, macOS.
    if (family == 10 || family == 24 || family == 28 || family == 30) view.ether_type = ether_ipv6;
    return require_ip();
  }

  PacketFault ppp_protocol() {
    if (remaining() < 1) return PacketFault::short_link_header;
    std::uint16_t protocol = u8(bytes, at);
    if (protocol % 2 != 0) {  // compressed to one byte (RFC 1661, 6.5)
      at += 1;
    } else {
      if (remaining() < 2) return PacketFault::short_link_header;
      protocol = u16(bytes, at);
      at += 2;
    }
    if (protocol == 0x0021) view.ether_type = ether_ipv4;
    if (protocol == 0x0057) view.ether_type = ether_ipv6;
    return require_ip();
  }

  PacketFault ppp_header() {
    if (bytes.size() >= 2 && u16(bytes, 0) == 0xff03) at = 2;  // address and control
    return ppp_protocol();
  }

  PacketFault pppoe_header() {
    if (bytes.size() < 6) return PacketFault::short_link_header;
    if (u8(bytes, 1) != 0) return PacketFault::not_ip;  // discovery, not session data
    at = 6;
    return ppp_protocol();
  }

  PacketFault no_header(std::uint16_t type) {
    view.ether_type = type;
    return PacketFault::none;
  }

  PacketFault link_header(LinkType link) {
    switch (link) {
      case LinkType::ethernet:
        return ether_header(14, 12);
      case LinkType::sll:
        return ether_header(16, 14);
      case LinkType::sll2:
        return ether_header(20, 0);
      case LinkType::null:
      case LinkType::loop:
        return family_header();
      case LinkType::ppp:
        return ppp_header();
      case LinkType::ppp_ether:
        return pppoe_header();
      case LinkType::raw:
      case LinkType::raw_file:
        return no_header(0);
      case LinkType::ipv4:
        return no_header(ether_ipv4);
      case LinkType::ipv6:
        return no_header(ether_ipv6);
    }
    return PacketFault::unknown_link_type;
  }

  PacketFault ip_header() {
    view.ip_offset = at;
    if (remaining() < 1) return PacketFault::short_ip_header;
    view.version_nibble = u8(bytes, at) >> 4;
    const std::uint16_t type = view.version_nibble == 4 ? ether_ipv4 : ether_ipv6;
    if (view.version_nibble != 4 && view.version_nibble != 6) return PacketFault::bad_version;
    if (view.ether_type != 0 && view.ether_type != type) return PacketFault::bad_version;
    view.ether_type = type;
    return view.version_nibble == 4 ? ipv4_header() : ipv6_header();
  }

  /// Cuts link padding off, or notes that the capture ends first.
  void bound_datagram() {
    view.is_cut = view.ip_total_length > remaining();
    bytes = bytes.first(at + std::min<std::size_t>(view.ip_total_length, remaining()));
  }

  PacketFault ipv4_header() {
    constexpr std::uint16_t fixed = 20;
    if (remaining() < fixed) return PacketFault::short_ip_header;
    view.ip_version = 4;
    view.source = IpAddress::v4(u32(bytes, at + 12));
    view.destination = IpAddress::v4(u32(bytes, at + 16));
    view.first_protocol = u8(bytes, at + 9);
    view.protocol = IpProtocol{view.first_protocol};
    view.ip_header_length = static_cast<std::uint16_t>((u8(bytes, at) & 0x0f) * 4);
    view.ip_total_length = u16(bytes, at + 2);
    const std::uint16_t fragment = u16(bytes, at + 6);
    view.more_fragments = (fragment & 0x2000) != 0;
    view.fragment_offset_bytes = static_cast<std::uint16_t>((fragment & 0x1fff) * 8);
    if (view.ip_header_length < fixed || view.ip_total_length < view.ip_header_length)
      return PacketFault::bad_ip_header;
    bound_datagram();
    if (remaining() < view.ip_header_length) return PacketFault::short_ip_header;
    at += view.ip_header_length;
    return PacketFault::none;
  }

  PacketFault ipv6_header() {
    constexpr std::uint16_t fixed = 40;
    if (remaining() < fixed) return PacketFault::short_ip_header;
    view.ip_version = 6;
    view.source = *IpAddress::from_bytes(bytes.subspan(at + 8, 16));
    view.destination = *IpAddress::from_bytes(bytes.subspan(at + 24, 16));
    view.first_protocol = u8(bytes, at + 6);
    view.protocol = IpProtocol{view.first_protocol};
    view.ip_header_length = fixed;
    view.ip_total_length = std::uint32_t{u16(bytes, at + 4)} + fixed;
    bound_datagram();
    at += fixed;
    return extension_headers();
  }

  static bool is_extension(std::uint8_t header) {
    // hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6
    return header == 0 || header == 43 || header == 44 || header == 51 || header == 60 || header == 135 ||
           header == 139 || header == 140;
  }

  PacketFault extension_headers() {
    constexpr std::uint8_t fragment_header = 44;
    constexpr std::uint8_t authentication_header = 51;
    std::uint8_t header = view.first_protocol;
    while (is_extension(header) && view.fragment_offset_bytes == 0) {
      if (view.extension_headers == max_extension_headers) return PacketFault::bad_ip_header;
      const PacketFault too_short = view.is_cut ? PacketFault::short_ip_header : PacketFault::bad_ip_header;
      if (remaining() < 8) return too_short;
      std::size_t length = (std::size_t{u8(bytes, at + 1)} + 1) * 8;
      if (header == authentication_header) length = (std::size_t{u8(bytes, at + 1)} + 2) * 4;
      if (header == fragment_header) {
        length = 8;
        view.fragment_offset_bytes = u16(bytes, at + 2) & 0xfff8;
        view.more_fragments = (u8(bytes, at + 3) & 1) != 0;
      }
      if (length > remaining()) return too_short;
      ++view.extension_headers;
      header = u8(bytes, at);
      view.protocol = IpProtocol{header};
      view.ip_header_length = static_cast<std::uint16_t>(view.ip_header_length + length);
      at += length;
    }
    return PacketFault::none;
  }

  void set_payload(std::size_t header_length) {
    at += header_length;
    view.payload = bytes.subspan(at);
    view.payload_length = view.ip_total_length - view.ip_header_length - header_length;
  }

  PacketFault transport_header() {
    set_payload(0);
    if (view.fragment_offset_bytes != 0) return PacketFault::none;
    switch (view.protocol) {
      case IpProtocol::tcp:
        return tcp_header();
      case IpProtocol::udp:
        return udp_header();
      case IpProtocol::icmp:
      case IpProtocol::ipv6_icmp:
        return icmp_header();
    }
    return PacketFault::none;
  }

  void ports() {
    view.has_ports = true;
    view.source_port = u16(bytes, at);
    view.destination_port = u16(bytes, at + 2);
  }

  PacketFault tcp_header() {
    constexpr std::size_t fixed = 20;
    if (remaining() < fixed) return PacketFault::short_transport_header;
    ports();
    view.tcp_flags = u8(bytes, at + 13) & 0x3f;
    const std::size_t header_length = std::size_t{u8(bytes, at + 12)} / 16 * 4;
    if (header_length < fixed || header_length > remaining()) return PacketFault::bad_transport_header;
    set_payload(header_length);
    return PacketFault::none;
  }

  PacketFault udp_header() {
    constexpr std::size_t fixed = 8;
    if (remaining() < fixed) return PacketFault::short_transport_header;
    ports();
    set_payload(fixed);
    return PacketFault::none;
  }

  PacketFault icmp_header() {
    constexpr std::size_t fixed = 8;
    if (remaining() < fixed) return PacketFault::short_transport_header;
    view.icmp_type = u8(bytes, at);
    view.icmp_code = u8(bytes, at + 1);
    set_payload(fixed);
    return PacketFault::none;
  }

  PacketFault run(LinkType link) {
    PacketFault fault = link_header(link);
    if (fault == PacketFault::none) fault = ip_header();
    if (fault == PacketFault::none) fault = transport_header();
    return fault;
  }
};

}  // namespace

PacketView parse_packet(LinkType link, ByteView bytes) {
  PacketView view;
  view.fault = Parser{bytes, view}.run(link);
  return view;
}

bool is_known_link_type(LinkType link) { return parse_packet(link, {}).fault != PacketFault::unknown_link_type; }

}  // namespace latchkey::net
