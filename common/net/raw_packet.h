// SPDX-License-Identifier: GPL-2.0-or-later
// IPv4 packets made by hand: UDP, TCP SYN and ICMP with a payload, and the raw socket that sends them.
#pragma once
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/net/address.h"
#include "common/net/send.h"

namespace latchkey::net {

/// IPv4 header: no options, TOS 0, no fragment flags (spec/fwknop-client.md 11).
struct RawHeader {
  IpAddress source;  ///< 0.0.0.0: the kernel fills it in; transport checksums need the real one (source_address_for)
  IpAddress destination;
  std::uint16_t id = 0;
  std::uint8_t ttl = 255;
};

/// Header and payload with valid checksums. Only IPv4; the payload is at most 65,535 - 40 bytes.
Bytes build_udp(const RawHeader& header, std::uint16_t source_port, std::uint16_t destination_port, ByteView payload);
/// seq 1, ack 0, only SYN set, window 32767, no options; the payload rides on the SYN.
Bytes build_tcp_syn(const RawHeader& header, std::uint16_t source_port, std::uint16_t destination_port,
                    ByteView payload);
/// `id` and `sequence` are the second word of the header, 0 for types that have none.
Bytes build_icmp(const RawHeader& header, std::uint8_t type, std::uint8_t code, std::uint16_t id,
                 std::uint16_t sequence, ByteView payload);

/// Internet checksum (RFC 1071), as the number to put into the header.
std::uint16_t internet_checksum(ByteView bytes);

/// Sends one whole IPv4 packet (IP_HDRINCL). Needs CAP_NET_RAW. Value: bytes sent. Stages: socket, set_option, write.
Result<std::size_t, SendError> send_raw(ByteView packet, const IpAddress& destination);

}  // namespace latchkey::net
