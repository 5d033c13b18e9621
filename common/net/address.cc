// SPDX-License-Identifier: GPL-2.0-or-later
// Text and arithmetic of addresses and prefixes.
#include "common/net/address.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "common/base/text.h"

namespace latchkey::net {
namespace {

template <class T>
std::array<std::byte, sizeof(T)> to_bytes(const T& value) {
  std::array<std::byte, sizeof(T)> bytes;
  std::ranges::copy(std::as_bytes(std::span(&value, 1)), bytes.begin());
  return bytes;
}

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::uint64_t value = 0;
    // Without entropy at boot the seed stays 0: tables still work, only their order can be guessed.
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value) value = 0;
    return value;
  }();
  return seed;
}

std::byte mask_byte(unsigned prefix_length, std::size_t index) {
  const unsigned before = static_cast<unsigned>(index) * 8;
  if (prefix_length >= before + 8) return std::byte{0xff};
  if (prefix_length <= before) return std::byte{0};
  return static_cast<std::byte>(0xff00 >> (prefix_length - before) & 0xff);
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(ByteView bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address;
  address.is_v6_ = bytes.size() == 16;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes_, [](std::byte b) { return b == std::byte{0}; });
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return v4_value() >> 16 == 0xa9fe;
  return bytes_[0] == std::byte{0xfe} && (bytes_[1] & std::byte{0xc0}) == std::byte{0x80};
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  in_addr v4{};
  if (inet_pton(AF_INET, copy.data(), &v4) == 1) return IpAddress::from_bytes(to_bytes(v4));
  in6_addr v6{};
  if (inet_pton(AF_INET6, copy.data(), &v6) == 1) return IpAddress::from_bytes(to_bytes(v6));
  return std::nullopt;
}

std::string format_ip_address(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.is_v6()) {
    inet_ntop(AF_INET6, address.bytes().data(), text.data(), text.size());
    return text.data();
  }
  // Every packet's source becomes text; inet_ntop goes through printf for it.
  char* end = text.data();
  for (const std::byte octet : address.bytes()) {
    end = std::to_chars(end, text.data() + text.size(), std::to_integer<unsigned>(octet)).ptr;
    *end++ = '.';
  }
  return {text.data(), end - 1};
}

std::optional<Prefix> Prefix::of(const IpAddress& address, unsigned length) {
  std::array<std::byte, 16> masked{};
  const ByteView bytes = address.bytes();
  if (length > bytes.size() * 8) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) masked[i] = bytes[i] & mask_byte(length, i);
  Prefix prefix;
  prefix.address_ = *IpAddress::from_bytes(ByteView(masked).first(bytes.size()));
  prefix.length_ = length;
  return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.is_v6() != address_.is_v6()) return false;
  const ByteView wanted = address_.bytes();
  const ByteView bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if ((bytes[i] & mask_byte(length_, i)) != wanted[i]) return false;
  return true;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned full = static_cast<unsigned>(address->bytes().size()) * 8;
  if (slash == std::string_view::npos) return Prefix::of(*address, full);
  const std::string_view digits = text.substr(slash + 1);
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const auto length = parse_number<unsigned>(digits, 0, full);
  return length ? Prefix::of(*address, *length) : std::nullopt;
}

std::string format_prefix(const Prefix& prefix) {
  return format_ip_address(prefix.address()) + '/' + std::to_string(prefix.length());
}

std::string format_protocol(IpProtocol protocol) {
  switch (protocol) {
    case IpProtocol::icmp:
      return "icmp";
    case IpProtocol::tcp:
      return "tcp";
    case IpProtocol::udp:
      return "udp";
    case IpProtocol::ipv6_icmp:
      return "ipv6-icmp";
  }
  return std::to_string(static_cast<unsigned>(protocol));
}

std::string format_port_proto(const PortProto& port) {
  return format_protocol(port.protocol) + '/' + std::to_string(port.port);
}

}  // namespace latchkey::net

std::size_t std::hash<latchkey::net::IpAddress>::operator()(const latchkey::net::IpAddress& address) const noexcept {
  // Multiply and fold (as in wyhash) over the two halves.
  std::uint64_t state = latchkey::net::hash_seed() ^ (address.is_v6() ? 0xa0761d6478bd642fU : 0xe7037ed1a0b428dbU);
  const latchkey::ByteView bytes = address.bytes();
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    for (std::byte b : bytes.subspan(at, std::min<std::size_t>(8, bytes.size() - at)))
      word = word << 8 | std::to_integer<std::uint64_t>(b);
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{state ^ word} * 0x8ebc6af09c88c6e3U;
    state = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return state;
}
