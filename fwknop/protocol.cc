// SPDX-License-Identifier: GPL-2.0-or-later
// Names of the transports: -P, SPA_SERVER_PROTO and the transmission block.
#include "fwknop/protocol.h"

#include <array>

#include "common/base/text.h"

namespace latchkey::fwknop {
namespace {

// In the order of the enumerators.
constexpr auto names = std::to_array<std::string_view>({"udp", "udpraw", "tcp", "tcpraw", "icmp", "http"});

}  // namespace

std::optional<Protocol> parse_protocol(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (equals_ignoring_case(name, names[i])) return static_cast<Protocol>(i);
  return std::nullopt;
}

std::string_view protocol_name(Protocol protocol) { return names[static_cast<std::size_t>(protocol)]; }

bool is_raw(Protocol protocol) {
  return protocol == Protocol::udpraw || protocol == Protocol::tcpraw || protocol == Protocol::icmp;
}

}  // namespace latchkey::fwknop
