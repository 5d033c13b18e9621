// SPDX-License-Identifier: GPL-2.0-or-later
// getaddrinfo and getnameinfo.
#include "common/net/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/base/handle.h"
#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

int native_family(Family family) {
  switch (family) {
    case Family::any:
      return AF_UNSPEC;
    case Family::v4:
      return AF_INET;
    case Family::v6:
      return AF_INET6;
  }
  return AF_UNSPEC;
}

int native_type(Transport transport) {
  switch (transport) {
    case Transport::any:
      return 0;
    case Transport::tcp:
      return SOCK_STREAM;
    case Transport::udp:
      return SOCK_DGRAM;
  }
  return 0;
}

ResolveError resolve_error(int code, int os_code) {
  return {code, code == EAI_SYSTEM ? std::strerror(os_code) : gai_strerror(code)};
}

}  // namespace

Result<std::vector<SocketAddress>, ResolveError> resolve(const std::string& host, const std::string& service,
                                                         const ResolveOptions& options) {
  addrinfo hints{};
  hints.ai_family = native_family(options.family);
  hints.ai_socktype = native_type(options.transport);
  hints.ai_flags = options.is_numeric_host ? AI_NUMERICHOST : 0;
  addrinfo* list = nullptr;
  const char* wanted_service = service.empty() ? nullptr : service.c_str();
  const int code = getaddrinfo(host.c_str(), wanted_service, &hints, &list);
  if (code != 0) return fail(resolve_error(code, errno));
  const std::unique_ptr<addrinfo, Deleter<freeaddrinfo>> owner(list);
  std::vector<SocketAddress> found;
  for (const addrinfo* item = list; item; item = item->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, item->ai_addr, std::min<std::size_t>(item->ai_addrlen, sizeof storage));
    const auto address = from_native(storage);
    if (address && std::ranges::find(found, *address) == found.end()) found.push_back(*address);
  }
  if (found.empty()) return fail(resolve_error(EAI_FAMILY, 0));
  return found;
}

std::optional<std::string> lookup_name(const IpAddress& address) {
  const NativeAddress native({.address = address});
  std::array<char, NI_MAXHOST> name{};
  if (getnameinfo(native.get(), native.length(), name.data(), name.size(), nullptr, 0, NI_NAMEREQD) != 0)
    return std::nullopt;
  return name.data();
}

}  // namespace latchkey::net
