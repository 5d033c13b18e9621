// SPDX-License-Identifier: GPL-2.0-or-later
// Building and sending of whole IPv4 packets.
#include "common/net/raw_packet.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

constexpr std::size_t ip_header_bytes = 20;

std::uint32_t sum_words(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<std::uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? value << 8 : value;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

std::uint16_t fold(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

/// Over the pseudo header of RFC 768 and RFC 9293 and the segment, whose checksum field is still zero.
std::uint16_t transport_checksum(const RawHeader& header, IpProtocol protocol, ByteView segment) {
  Writer pseudo;
  pseudo.put(header.source.bytes());
  pseudo.put(header.destination.bytes());
  pseudo.put_u16(static_cast<std::uint16_t>(protocol));
  pseudo.put_u16(static_cast<std::uint16_t>(segment.size()));
  return fold(sum_words(pseudo.view()) + sum_words(segment));
}

Bytes with_number_at(Writer&& writer, std::size_t at, std::uint16_t value) {
  Bytes bytes = writer.release();
  bytes[at] = static_cast<std::byte>(value >> 8);
  bytes[at + 1] = static_cast<std::byte>(value & 0xff);
  return bytes;
}

Bytes with_ip_header(const RawHeader& header, IpProtocol protocol, ByteView segment) {
  Writer ip;
  ip.put_u16(0x4500);  // version 4, five words, TOS 0
  ip.put_u16(static_cast<std::uint16_t>(ip_header_bytes + segment.size()));
  ip.put_u16(header.id);
  ip.put_u16(0);
  ip.put_u8(header.ttl);
  ip.put_u8(static_cast<std::uint8_t>(protocol));
  ip.put_u16(0);
  ip.put(header.source.bytes());
  ip.put(header.destination.bytes());
  const std::uint16_t checksum = internet_checksum(ip.view());
  Bytes packet = with_number_at(std::move(ip), 10, checksum);
  packet.insert(packet.end(), segment.begin(), segment.end());
  return packet;
}

}  // namespace

std::uint16_t internet_checksum(ByteView bytes) { return fold(sum_words(bytes)); }

Bytes build_udp(const RawHeader& header, std::uint16_t source_port, std::uint16_t destination_port, ByteView payload) {
  Writer udp;
  udp.put_u16(source_port);
  udp.put_u16(destination_port);
  udp.put_u16(static_cast<std::uint16_t>(8 + payload.size()));
  udp.put_u16(0);
  udp.put(payload);
  std::uint16_t checksum = transport_checksum(header, IpProtocol::udp, udp.view());
  if (checksum == 0) checksum = 0xffff;  // zero says "no checksum" (RFC 768)
  return with_ip_header(header, IpProtocol::udp, with_number_at(std::move(udp), 6, checksum));
}

Bytes build_tcp_syn(const RawHeader& header, std::uint16_t source_port, std::uint16_t destination_port,
                    ByteView payload) {
  Writer tcp;
  tcp.put_u16(source_port);
  tcp.put_u16(destination_port);
  tcp.put_u32(1);
  tcp.put_u32(0);
  tcp.put_u16(0x5002);  // five words, SYN
  tcp.put_u16(32767);
  tcp.put_u16(0);
  tcp.put_u16(0);
  tcp.put(payload);
  const std::uint16_t checksum = transport_checksum(header, IpProtocol::tcp, tcp.view());
  return with_ip_header(header, IpProtocol::tcp, with_number_at(std::move(tcp), 16, checksum));
}

Bytes build_icmp(const RawHeader& header, std::uint8_t type, std::uint8_t code, std::uint16_t id,
                 std::uint16_t sequence, ByteView payload) {
  Writer icmp;
  icmp.put_u8(type);
  icmp.put_u8(code);
  icmp.put_u16(0);
  icmp.put_u16(id);
  icmp.put_u16(sequence);
  icmp.put(payload);
  const std::uint16_t checksum = internet_checksum(icmp.view());
  return with_ip_header(header, IpProtocol::icmp, with_number_at(std::move(icmp), 2, checksum));
}

Result<std::size_t, SendError> send_raw(ByteView packet, const IpAddress& destination) {
  const Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket) return fail(SendError{SendStage::socket, os_error("")});
  const int on = 1;
  if (setsockopt(socket.get(), IPPROTO_IP, IP_HDRINCL, &on, sizeof on) != 0)
    return fail(SendError{SendStage::set_option, os_error("")});
  const NativeAddress to({.address = destination});
  const ssize_t sent = ::sendto(socket.get(), packet.data(), packet.size(), MSG_NOSIGNAL, to.get(), to.length());
  if (sent < 0) return fail(SendError{SendStage::write, os_error("")});
  return static_cast<std::size_t>(sent);
}

}  // namespace latchkey::net
