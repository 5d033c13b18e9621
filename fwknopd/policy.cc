// SPDX-License-Identifier: GPL-2.0-or-later
// Rules of a stanza.
#include "fwknopd/policy.h"

#include <algorithm>

namespace latchkey::fwknopd {
namespace {

using std::chrono::seconds;

/// What every kind of request has to keep to.
std::optional<std::string> check_packet(const Stanza& stanza, const AccessRequest& request, std::int64_t now_s) {
  if (is_expired(stanza, now_s)) return "the stanza has expired";
  if (!matches(stanza, request.packet_source, request.packet_destination))
    return "the stanza is not for that source and destination";
  // A message that names no address means the source of its packet. 0.0.0.0 in a rule may mean everybody.
  if (request.allowed.is_unspecified()) return "no address is to be let in";
  return std::nullopt;
}

}  // namespace

seconds rule_lifetime(const Stanza& stanza, std::uint32_t client_timeout_s) {
  const seconds wanted = client_timeout_s > 0 ? seconds(client_timeout_s) : stanza.fw_access_timeout;
  return std::min(wanted, stanza.max_fw_timeout);
}

seconds cycle_lifetime(const Stanza& stanza, std::uint32_t client_timeout_s) {
  const seconds timer = stanza.cycle ? stanza.cycle->timer : seconds(0);
  if (client_timeout_s == 0) return timer;
  const seconds wanted(client_timeout_s);
  return stanza.max_fw_timeout_is_set ? std::min(wanted, stanza.max_fw_timeout) : wanted;
}

bool allows_services(const Stanza& stanza, const std::vector<Service>& services) {
  const auto is_in = [](const PortSet& set) {
    return [&set](const Service& service) { return set.contains(service); };
  };
  if (stanza.restrict_ports && std::ranges::any_of(services, is_in(*stanza.restrict_ports))) return false;
  return !stanza.open_ports || std::ranges::all_of(services, is_in(*stanza.open_ports));
}

bool allows_kind(const FirewallSettings& settings, RequestKind kind) {
  if (settings.kind == FirewallKind::ipfw || settings.kind == FirewallKind::pf) return true;
  switch (kind) {
    case RequestKind::access:
      return true;
    case RequestKind::forward_nat:
      return settings.forwarding;
    case RequestKind::local_nat:
      break;
  }
  return settings.local_nat;
}

bool is_expired(const Stanza& stanza, std::int64_t now_s) {
  return stanza.expires_at_s && now_s > *stanza.expires_at_s;
}

bool matches(const Stanza& stanza, const net::IpAddress& source, const net::IpAddress& destination) {
  return source.is_v4() && stanza.source.contains(source.v4_value()) &&
         (!stanza.destination || (destination.is_v4() && stanza.destination->contains(destination.v4_value())));
}

std::optional<std::string> check_access(const Settings& settings, const Stanza& stanza, const AccessRequest& request,
                                        std::int64_t now_s) {
  if (auto reason = check_packet(stanza, request, now_s)) return reason;
  if (stanza.cycle) return "the stanza runs commands instead";
  if (settings.test_mode) return "this is a test run";
  if (request.services.empty()) return "no port is asked for";
  if (!allows_services(stanza, request.services)) return "a port is not allowed";
  if (!allows_kind(settings.firewall, request.kind)) return "NAT is not enabled";
  if ((request.kind != RequestKind::access) != request.nat.has_value()) return "NAT without target";
  return std::nullopt;
}

std::optional<std::string> check_command(const Settings& settings, const Stanza& stanza, const CommandRequest& request,
                                         std::int64_t now_s) {
  if (is_expired(stanza, now_s)) return "the stanza has expired";
  if (!stanza.source.contains(request.packet_source.v4_value())) return "the stanza is not for that source";
  if (settings.test_mode) return "this is a test run";
  if (!stanza.enable_cmd_exec || stanza.cycle) return "commands are not allowed";
  return std::nullopt;
}

std::optional<std::string> check_cycle(const Settings& settings, const Stanza& stanza, const CycleRequest& request,
                                       std::int64_t now_s) {
  const AccessRequest& access = request.access;
  if (auto reason = check_packet(stanza, access, now_s)) return reason;
  if (!stanza.cycle) return "the stanza has no commands";
  if (settings.test_mode) return "this is a test run";
  if (access.services.empty()) return "no port is asked for";
  if (!allows_services(stanza, access.services)) return "a port is not allowed";
  if (!allows_kind(settings.firewall, access.kind)) return "NAT is not enabled";
  return std::nullopt;
}

}  // namespace latchkey::fwknopd
