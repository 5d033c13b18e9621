// SPDX-License-Identifier: GPL-2.0-or-later
// Between SocketAddress and the kernel's sockaddr. Internal to common/net.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "common/net/address.h"

namespace latchkey::net {

/// The socket calls take any address type through this one pointer type.
inline sockaddr* as_sockaddr(void* address) { return static_cast<sockaddr*>(address); }
inline const sockaddr* as_sockaddr(const void* address) { return static_cast<const sockaddr*>(address); }

class NativeAddress {
 public:
  explicit NativeAddress(const SocketAddress& address);
  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return as_sockaddr(&storage_); }
  socklen_t length() const { return length_; }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

/// nullopt: neither IPv4 nor IPv6.
std::optional<SocketAddress> from_native(const sockaddr_storage& storage);

}  // namespace latchkey::net
