// SPDX-License-Identifier: GPL-2.0-or-later
// Hits: from the operands of the command line to addresses. Everything is known to be good before the first is sent.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/net/address.h"
#include "common/net/resolver.h"

namespace latchkey::knock {

struct Hit {
  net::IpProtocol protocol = net::IpProtocol::tcp;
  std::string port_text;  ///< as typed: a number or the name of a service
  friend bool operator==(const Hit&, const Hit&) = default;
};

/// "PORT", "PORT:tcp", "PORT:udp" (any case). Error: the line to print.
Result<Hit> parse_hit(std::string_view operand, bool forces_udp);

/// The address and port of each hit: the first that getaddrinfo names. Error: the two lines to print.
Result<std::vector<net::SocketAddress>> resolve_hits(const std::string& host, std::span<const Hit> hits,
                                                     net::Family family);

}  // namespace latchkey::knock
