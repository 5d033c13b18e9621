// SPDX-License-Identifier: GPL-2.0-or-later
// Copies between SocketAddress and sockaddr_in, sockaddr_in6.
#include "common/net/socket_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace latchkey::net {

NativeAddress::NativeAddress(const SocketAddress& address) {
  const ByteView bytes = address.address.bytes();
  if (address.address.is_v4()) {
    sockaddr_in native{};
    native.sin_family = AF_INET;
    native.sin_port = htons(address.port);
    std::memcpy(&native.sin_addr, bytes.data(), bytes.size());
    length_ = sizeof native;
    std::memcpy(&storage_, &native, sizeof native);
    return;
  }
  sockaddr_in6 native{};
  native.sin6_family = AF_INET6;
  native.sin6_port = htons(address.port);
  native.sin6_scope_id = address.scope_id;
  std::memcpy(&native.sin6_addr, bytes.data(), bytes.size());
  length_ = sizeof native;
  std::memcpy(&storage_, &native, sizeof native);
}

std::optional<SocketAddress> from_native(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in native;
    std::memcpy(&native, &storage, sizeof native);
    return SocketAddress{.address = IpAddress::v4(ntohl(native.sin_addr.s_addr)), .port = ntohs(native.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 native;
    std::memcpy(&native, &storage, sizeof native);
    const auto address = IpAddress::from_bytes(std::as_bytes(std::span(&native.sin6_addr, 1)));
    return SocketAddress{.address = *address, .port = ntohs(native.sin6_port), .scope_id = native.sin6_scope_id};
  }
  return std::nullopt;
}

}  // namespace latchkey::net
