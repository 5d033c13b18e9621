// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing and resolving of operands (spec/knockd.md 8).
#include "knock/hits.h"

#include <netdb.h>

#include <optional>

#include "common/base/text.h"

namespace latchkey::knock {
namespace {

/// Numbers that getaddrinfo would take and wrap at 16 bits; an empty port would be port 0.
bool is_refused_port(std::string_view text) {
  const LenientNumber number = parse_lenient_number(text);
  return text.empty() || (number.has_digits && number.rest.empty() && (number.value < 0 || number.value > 65535));
}

Error unresolved(const std::string& host, const Hit& hit, const std::string& reason) {
  return {"Failed to resolve hostname '" + host + "' on port " + hit.port_text + "\ngetaddrinfo: " + reason};
}

/// A plain number needs no second look-up of the host.
std::optional<std::uint16_t> plain_port(std::string_view text) { return parse_number<std::uint16_t>(text); }

}  // namespace

Result<Hit> parse_hit(std::string_view operand, bool forces_udp) {
  const std::size_t colon = operand.find(':');
  Hit hit{.protocol = net::IpProtocol::tcp, .port_text = std::string(operand.substr(0, colon))};
  if (colon != std::string_view::npos) {
    const std::string_view protocol = operand.substr(colon + 1);
    if (equals_ignoring_case(protocol, "udp")) {
      hit.protocol = net::IpProtocol::udp;
    } else if (!equals_ignoring_case(protocol, "tcp")) {
      return fail(Error{"error: unknown protocol '" + std::string(protocol) + "'"});
    }
  }
  if (forces_udp) hit.protocol = net::IpProtocol::udp;
  return hit;
}

Result<std::vector<net::SocketAddress>> resolve_hits(const std::string& host, std::span<const Hit> hits,
                                                     net::Family family) {
  std::vector<net::SocketAddress> targets;
  targets.reserve(hits.size());
  for (const Hit& hit : hits) {
    if (is_refused_port(hit.port_text)) return fail(unresolved(host, hit, gai_strerror(EAI_SERVICE)));
    if (const auto port = plain_port(hit.port_text); port && !targets.empty()) {
      targets.push_back(targets.front());
      targets.back().port = *port;
      continue;
    }
    auto found = net::resolve(host, hit.port_text, {.family = family});
    if (!found) return fail(unresolved(host, hit, found.error().text));
    targets.push_back(found->front());
  }
  return targets;
}

}  // namespace latchkey::knock
