// SPDX-License-Identifier: GPL-2.0-or-later
// Text and hashes of addresses.
#include "common/net/address.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>

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
