// SPDX-License-Identifier: GPL-2.0-or-later
// IP addresses, prefixes, protocol and port as values.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace latchkey::net {

/// An IPv4 or IPv6 address without zone. Default: 0.0.0.0. Order: all of IPv4, then IPv6, then by value.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  /// From a number in host order: 0x0a000001 is 10.0.0.1.
  static constexpr IpAddress v4(std::uint32_t value) {
    IpAddress address;
    for (std::size_t i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::byte>(value >> (24 - 8 * i) & 0xff);
    return address;
  }
  static constexpr IpAddress v6(const std::array<std::byte, 16>& bytes) {
    IpAddress address;
    address.is_v6_ = true;
    address.bytes_ = bytes;
    return address;
  }
  /// 4 or 16 bytes in network order; any other length is nullopt.
  static std::optional<IpAddress> from_bytes(ByteView bytes);

  constexpr bool is_v4() const { return !is_v6_; }
  constexpr bool is_v6() const { return is_v6_; }
  /// Host order. Only for IPv4.
  constexpr std::uint32_t v4_value() const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes_[i]);
    return value;
  }
  /// Network order, 4 or 16 bytes; a view into this value.
  ByteView bytes() const { return ByteView(bytes_).first(is_v6_ ? 16 : 4); }
  /// 0.0.0.0 or ::
  bool is_unspecified() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool is_v6_ = false;
  std::array<std::byte, 16> bytes_{};  // IPv4: the first four, the rest zero
};

/// Strict: a dotted quad without leading zeros or short forms, or IPv6 text without brackets and zone.
std::optional<IpAddress> parse_ip_address(std::string_view text);
/// As inet_ntop prints it (RFC 5952; "::ffff:1.2.3.4" stays IPv6).
std::string format_ip_address(const IpAddress& address);

/// IP protocol numbers that the programs know. Other values of the byte are kept as they are.
enum class IpProtocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, ipv6_icmp = 58 };
/// "tcp", "udp", "icmp", "ipv6-icmp", else the number.
std::string format_protocol(IpProtocol protocol);

struct PortProto {
  IpProtocol protocol = IpProtocol::tcp;
  std::uint16_t port = 0;
  friend auto operator<=>(const PortProto&, const PortProto&) = default;
};

/// An address with a port and, for link-local IPv6, the interface index.
struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope_id = 0;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

}  // namespace latchkey::net

/// Seeded at random in every process: a stranger who chooses addresses cannot choose collisions.
template <>
struct std::hash<latchkey::net::IpAddress> {
  std::size_t operator()(const latchkey::net::IpAddress& address) const noexcept;
};
