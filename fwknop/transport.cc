// SPDX-License-Identifier: GPL-2.0-or-later
// Sending the packet: udp, tcp, http, udpraw, tcpraw, icmp (spec/fwknop-client.md 11).
#include "fwknop/transport.h"

#include <algorithm>
#include <cstring>

#include "common/net/interfaces.h"
#include "common/net/raw_packet.h"
#include "common/net/resolver.h"
#include "common/net/send.h"
#include "common/spa/validate.h"
#include "fwknop/message.h"
#include "fwknop/protocol.h"
#include "fwknop/proxy.h"

namespace latchkey::fwknop {
namespace {

struct Ports {
  std::uint16_t source = 0;  ///< 0: chosen by the system
  std::uint16_t destination = 0;
};

std::string reason(const Error& error) { return error.os_code != 0 ? std::strerror(error.os_code) : error.text; }

/// IPv4 first; IPv6 only for a host that has nothing else (D32).
Result<std::vector<net::SocketAddress>, net::ResolveError> find_server(const Settings& settings,
                                                                       const std::string& host, std::uint16_t port,
                                                                       net::Transport transport) {
  const std::string service = std::to_string(port);
  auto addresses = net::resolve(host, service, {.family = net::Family::v4, .transport = transport});
  if (addresses || settings.server_resolve_ipv4) return addresses;
  auto others = net::resolve(host, service, {.family = net::Family::v6, .transport = transport});
  return others ? std::move(others) : std::move(addresses);
}

// --- udp, tcp, http: an ordinary socket -----------------------------------------------------------------------------

Result<std::size_t> send_over_socket(const Settings& settings, const std::string& host, Ports ports,
                                     std::string_view payload, Console& console) {
  const bool is_udp = settings.protocol == Protocol::udp;
  const auto addresses =
      find_server(settings, host, ports.destination, is_udp ? net::Transport::udp : net::Transport::tcp);
  if (!addresses) return fail(Error{"error in getaddrinfo: " + addresses.error().text});
  const auto connection =
      net::open_client(is_udp ? net::ClientTransport::udp : net::ClientTransport::tcp, *addresses, ports.source);
  if (!connection)
    return fail(Error{"send_spa_packet_tcp_or_udp: Could not create socket: " + reason(connection.error().cause)});
  if (connection->bind_failure)
    console.error("Warning: the packet cannot leave from port {} ({}); the system chooses another one.", ports.source,
                  reason(*connection->bind_failure));
  const auto sent = net::send_payload(*connection, as_bytes(payload));
  if (!sent) return fail(Error{"send_spa_packet_tcp_or_udp: write error: " + reason(sent.error().cause)});
  return *sent;
}

Result<std::size_t> send_over_http(const Settings& settings, std::string_view packet, Ports ports, Console& console) {
  std::string host = settings.server;
  if (!settings.http_proxy.empty()) {
    const auto proxy = parse_proxy(settings.http_proxy);
    if (!proxy) return fail(proxy.error());
    host = proxy->host;
    ports.destination = proxy->port.value_or(ports.destination);
  }
  const std::string request = http_request(settings, packet, settings.http_proxy.empty() ? std::string_view() : host);
  if (settings.test) {
    console.info("{}", request);
    console.print("Test mode enabled, SPA packet not actually sent.");
    return std::size_t{0};
  }
  return send_over_socket(settings, host, ports, request, console);
}

// --- raw packets ----------------------------------------------------------------------------------------------------

std::string_view raw_function(Protocol protocol) {
  if (protocol == Protocol::udpraw) return "send_spa_packet_udp_raw";
  return protocol == Protocol::tcpraw ? "send_spa_packet_tcp_raw" : "send_spa_packet_icmp";
}

std::string raw_failure(Protocol protocol, const net::SendError& error) {
  const std::string_view function = raw_function(protocol);
  switch (error.stage) {
    case net::SendStage::socket:
      return fmt::format("{}: create socket: {}", function, reason(error.cause));
    case net::SendStage::set_option:
      return fmt::format("{}: setsockopt HDRINCL: {}", function, reason(error.cause));
    case net::SendStage::bind:
    case net::SendStage::connect:
    case net::SendStage::write:
      break;
  }
  return fmt::format("{}: sendto error: {}", function, reason(error.cause));
}

Result<net::IpAddress> raw_source(const Settings& settings, const net::IpAddress& destination) {
  if (settings.spoof_source.empty()) {
    auto source = net::source_address_for(destination);
    // Without a route the peer fails when it sends.
    if (!source) return fail(Error{raw_failure(settings.protocol, {net::SendStage::write, source.error()})});
    return source;
  }
  const auto address = spa::parse_allow_ip(settings.spoof_source, spa::Side::sender);
  if (!address || *address == 0xffffffff) return fail(Error{"Could not set source IP."});
  return net::IpAddress::v4(*address);
}

Bytes build_raw(const Settings& settings, const net::RawHeader& header, Ports ports, ByteView payload,
                std::uint16_t echo_id) {
  if (settings.protocol == Protocol::udpraw) return net::build_udp(header, ports.source, ports.destination, payload);
  if (settings.protocol == Protocol::tcpraw)
    return net::build_tcp_syn(header, ports.source, ports.destination, payload);
  // Only an echo request has an identifier and a sequence number.
  const bool is_echo_request = settings.icmp_type == 8 && settings.icmp_code == 0;
  return net::build_icmp(header, static_cast<std::uint8_t>(settings.icmp_type),
                         static_cast<std::uint8_t>(settings.icmp_code), is_echo_request ? echo_id : std::uint16_t{0},
                         is_echo_request ? std::uint16_t{1} : std::uint16_t{0}, payload);
}

Result<std::size_t> send_raw(const Settings& settings, std::string_view packet, Ports ports, Rng& rng,
                             Console& console) {
  const auto addresses = net::resolve(settings.server, "", {.family = net::Family::v4});
  if (!addresses)
    return fail(Error{fmt::format("resolve_dst_addr() : {}\n[*] Unable to resolve {} as an ip address",
                                  addresses.error().text, settings.server)});
  const net::IpAddress destination = addresses->front().address;
  if (settings.test) {
    console.print("test mode enabled, SPA packet not actually sent.");
    return std::size_t{0};
  }
  const auto source = raw_source(settings, destination);
  if (!source) return fail(source.error());
  const auto id = rng.below(0x10000);
  const auto echo_id = rng.below(0x10000);
  if (!id || !echo_id) return fail(id ? echo_id.error() : id.error());
  const net::RawHeader header{
      .source = *source, .destination = destination, .id = static_cast<std::uint16_t>(*id), .ttl = 255};
  const Bytes bytes = build_raw(settings, header, ports, as_bytes(packet), static_cast<std::uint16_t>(*echo_id));
  const auto sent = net::send_raw(bytes, destination);
  if (!sent) return fail(Error{raw_failure(settings.protocol, sent.error())});
  if (*sent != bytes.size())
    console.error("[#] Warning: bytes sent ({}) not spa data length ({}).", *sent, bytes.size());
  return *sent;
}

Result<Ports> choose_ports(const Settings& settings, Rng& rng) {
  Ports ports{static_cast<std::uint16_t>(settings.source_port), static_cast<std::uint16_t>(settings.server_port)};
  if (settings.rand_port) {
    const auto port = random_port(rng);
    if (!port) return fail(port.error());
    ports.destination = static_cast<std::uint16_t>(*port);
  }
  // Shown for icmp, too, where it is not sent.
  if (is_raw(settings.protocol) && ports.source == 0) {
    const auto port = random_port(rng);
    if (!port) return fail(port.error());
    ports.source = static_cast<std::uint16_t>(*port);
  }
  return ports;
}

void print_block(const Settings& settings, Ports ports, Console& console) {
  console.info(
      "Generating SPA packet:\n            protocol: {}\n         source port: {}\n    destination port: {}\n"
      "             IP/host: {}",
      protocol_name(settings.protocol), ports.source == 0 ? "<OS assigned>" : std::to_string(ports.source),
      ports.destination, settings.server);
}

Result<std::size_t> send_by_protocol(const Settings& settings, std::string_view packet, Ports ports, Rng& rng,
                                     Console& console) {
  if (is_raw(settings.protocol)) return send_raw(settings, packet, ports, rng, console);
  if (settings.protocol == Protocol::http) return send_over_http(settings, packet, ports, console);
  if (settings.test) {
    console.print("test mode enabled, SPA packet not actually sent.");
    return std::size_t{0};
  }
  const auto sent = send_over_socket(settings, settings.server, ports, packet, console);
  if (sent && *sent != packet.size())
    console.error("[#] Warning: bytes sent ({}) not spa data length ({}).", *sent, packet.size());
  return sent;
}

}  // namespace

std::string http_request(const Settings& settings, std::string_view packet, std::string_view proxy_host) {
  std::string path(packet);
  std::ranges::replace(path, '+', '-');
  std::ranges::replace(path, '/', '_');
  // An IPv6 address stands in brackets there.
  const bool is_ipv6 = settings.server.find(':') != std::string::npos;
  const std::string server = is_ipv6 ? "[" + settings.server + "]" : settings.server;
  const std::string target = proxy_host.empty() ? "" : "http://" + server;
  return fmt::format("GET {}/{} HTTP/1.1\r\nUser-Agent: {}\r\nAccept: */*\r\nHost: {}\r\nConnection: close\r\n\r\n",
                     target, path, settings.user_agent, proxy_host.empty() ? std::string_view(server) : proxy_host);
}

Result<void> send_packet(const Settings& settings, std::string_view packet, Rng& rng, Console& console) {
  const auto ports = choose_ports(settings, rng);
  if (!ports) return fail(ports.error());
  print_block(settings, *ports, console);
  const auto sent = send_by_protocol(settings, packet, *ports, rng, console);
  if (!sent) return fail(sent.error());
  console.info("send_spa_packet: bytes sent: {}", *sent);
  return {};
}

}  // namespace latchkey::fwknop
