// SPDX-License-Identifier: GPL-2.0-or-later
// Names to addresses and back, by the system's resolver (blocking).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/address.h"

namespace latchkey::net {

enum class Family { any, v4, v6 };
enum class Transport { any, tcp, udp };

/// `code` is EAI_*; `text` is gai_strerror's, or strerror's for EAI_SYSTEM.
struct ResolveError {
  int code = 0;
  std::string text;
};

struct ResolveOptions {
  Family family = Family::any;
  Transport transport = Transport::any;  ///< `any` sets no socket type, as knock 0.8 does
  bool is_numeric_host = false;
};

/// Host (name, number, zone) and service (number or name, may be empty) by getaddrinfo, in its order, doubles (same
/// address and port for another socket type) left out. Never empty on success.
Result<std::vector<SocketAddress>, ResolveError> resolve(const std::string& host, const std::string& service,
                                                         const ResolveOptions& options = {});

/// The name of an address (reverse DNS); nullopt when there is none.
std::optional<std::string> lookup_name(const IpAddress& address);

}  // namespace latchkey::net
