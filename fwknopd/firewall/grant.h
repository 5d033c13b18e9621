// SPDX-License-Identifier: GPL-2.0-or-later
// Access requests and grants: what a valid SPA message asks of the firewall, as typed values.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/net/address.h"
#include "fwknopd/config/lists.h"

namespace latchkey::fwknopd {

/// One `proto/port` of an access message.
using Service = PortSet::Item;

enum class RequestKind : std::uint8_t { access, forward_nat, local_nat };

/// "tcp/22,udp/53": the list as the message and the log lines write it.
std::string format_services(const std::vector<Service>& services);

/// Where NAT leads to.
struct Endpoint {
  net::IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// An access request that has passed every check, with its end.
struct Grant {
  RequestKind kind = RequestKind::access;
  net::IpAddress allowed;      ///< the address that is let in
  net::IpAddress destination;  ///< of the SPA packet, for ENABLE_DESTINATION_RULE
  std::vector<Service> services;
  std::optional<Endpoint> nat;    ///< of the message; FORCE_NAT wins over it
  std::int64_t expires_at_s = 0;  ///< Unix time, as in the rule's comment and in the log
  MonotonicTime due;              ///< the same moment on the clock that nobody steps
};

}  // namespace latchkey::fwknopd
