// SPDX-License-Identifier: GPL-2.0-or-later
// knockd 0.8's filter expressions, parenthesis by parenthesis.
#include "knockd/filter_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

std::string format_ports(const Sequence& sequence, net::IpProtocol protocol) {
  std::string text;
  for (const net::PortProto& hit : sequence) {
    if (hit.protocol != protocol) continue;
    text += text.empty() ? fmt::format("{} dst port {}", net::format_protocol(protocol), hit.port)
                         : fmt::format(" or {}", hit.port);
  }
  return text;
}

std::string format_flags(const TcpFlags& flags, Family family) {
  std::string text;
  for (const FlagName& flag : flag_names()) {
    const bool must_be_set = (flags.set & flag.bit) != 0;
    if (!must_be_set && (flags.clear & flag.bit) == 0) continue;
    text += fmt::format(" and {} & tcp-{} {} 0", family == Family::v4 ? "tcp[tcpflags]" : "ip6[13+40]",
                        flag.filter_name, must_be_set ? "!=" : "==");
  }
  return text;
}

}  // namespace

std::vector<net::IpAddress> destinations_of(const Lock& door, const std::vector<net::IpAddress>& local, Family family) {
  const auto is_of_family = [family](const net::IpAddress& address) {
    return address.is_v6() == (family == Family::v6);
  };
  std::vector<net::IpAddress> addresses;
  if (door.target) {
    if (is_of_family(*door.target)) addresses.push_back(*door.target);
  } else {
    std::ranges::copy_if(local, std::back_inserter(addresses), is_of_family);
  }
  return addresses;
}

std::optional<std::string> format_filter(const Lock& door, const std::vector<net::IpAddress>& local, Family family) {
  std::string hosts;
  auto destinations = destinations_of(door, local, family);
  std::ranges::reverse(destinations);
  for (const net::IpAddress& address : destinations)
    hosts += (hosts.empty() ? "dst host " : " or dst host ") + net::format_ip_address(address);
  if (hosts.empty() || door.sequence.empty()) return std::nullopt;

  std::string hits;
  if (const auto tcp = format_ports(door.sequence, net::IpProtocol::tcp); !tcp.empty())
    hits = fmt::format("(({}){})", tcp, format_flags(door.flags, family));
  if (const auto udp = format_ports(door.sequence, net::IpProtocol::udp); !udp.empty())
    hits += fmt::format("{}({})", hits.empty() ? "" : " or ", udp);
  return fmt::format("(({}) and ({}))", hosts, hits);
}

}  // namespace latchkey::knockd
