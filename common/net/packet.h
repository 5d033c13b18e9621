// SPDX-License-Identifier: GPL-2.0-or-later
// PacketView: the facts of one captured packet, from the link header to the payload. Callers decide what they accept.
#pragma once
#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/net/address.h"
#include "common/net/link_type.h"

namespace latchkey::net {

/// Why parsing ended where it did. What lies before the fault is filled in, what lies behind has its default.
enum class PacketFault {
  none,
  unknown_link_type,  ///< no header of this link type is known
  short_link_header,  ///< fewer captured bytes than the link header (with its tags) has
  not_ip,             ///< the link header names another protocol than IPv4 and IPv6 (ether_type, where there is one)
  bad_version,        ///< the version nibble is neither 4 nor 6, or differs from what the link header says
  short_ip_header,    ///< the IP header (IPv4 with its options, IPv6 with its extensions) is cut by the capture
  bad_ip_header,      ///< IPv4: header length under 20 or over the total length; IPv6: too many extension headers
  short_transport_header,  ///< TCP (20 bytes), UDP or ICMP (8) header ends behind the datagram or the captured bytes
  bad_transport_header,    ///< TCP data offset under 5 or behind the datagram; ports and flags are filled in
};

namespace tcp_flag {
inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, push = 0x08, ack = 0x10, urg = 0x20;
}

struct PacketView {
  PacketFault fault = PacketFault::none;

  // link layer
  std::uint16_t ether_type =
      0;                        ///< behind all VLAN tags; PPP protocol and BSD families are translated; RAW: by version
  std::uint8_t vlan_depth = 0;  ///< number of 802.1Q (0x8100) and 802.1ad (0x88a8, 0x9100) tags
  std::uint16_t outer_tag = 0;  ///< type of the first of them, else 0
  bool is_snap = false;         ///< 802.3 length, LLC and SNAP instead of Ethernet II
  std::size_t ip_offset = 0;    ///< where the IP header begins in the captured bytes

  // IP
  std::uint8_t version_nibble = 0;  ///< as found, whatever it is; 0 when no byte was there
  std::uint8_t ip_version = 0;      ///< 4 or 6 as soon as the fixed IP header is complete, else 0
  IpAddress source;
  IpAddress destination;
  std::uint8_t first_protocol = 0;     ///< IPv4 protocol; IPv6 next-header field of the fixed header
  IpProtocol protocol{};               ///< behind IPv6 extension headers
  std::uint8_t extension_headers = 0;  ///< number of IPv6 extension headers, the fragment header included
  std::uint16_t ip_header_length = 0;  ///< bytes, options and extension headers included
  std::uint32_t ip_total_length = 0;   ///< header and data as the header says
  bool is_cut = false;                 ///< the datagram is longer than the captured bytes
  bool more_fragments = false;
  std::uint16_t fragment_offset_bytes = 0;
  bool is_fragment() const { return more_fragments || fragment_offset_bytes != 0; }

  // transport; never read from a fragment with an offset
  bool has_ports = false;  ///< TCP or UDP, whole fixed header present
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = 0;  ///< tcp_flag::*
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;

  /// Behind the transport header (TCP with its options, UDP and ICMP 8 bytes); other protocols and later fragments:
  /// behind the IP header. To the end of the IP datagram, not beyond the captured bytes: link padding is not in it. The
  /// UDP length field is not looked at. A view into the parsed bytes.
  ByteView payload;
  /// payload size as the headers say; greater than payload.size() where is_cut.
  std::size_t payload_length = 0;
};

/// Parses `bytes` (captured, untrusted, any length) that begin with a header of `link`. Never reads beyond them, never
/// throws, does not allocate. (spec/knockd.md 4, spec/fwknopd-runtime.md 1.3-1.4)
PacketView parse_packet(LinkType link, ByteView bytes);

/// Whether parse_packet knows this link type.
bool is_known_link_type(LinkType link);

}  // namespace latchkey::net
