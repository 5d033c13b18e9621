// SPDX-License-Identifier: GPL-2.0-or-later
// The end of the pipeline: what is asked of the monitor for an acceptable message (spec/fwknopd-runtime.md 2.2
// B20-B24).
#include <utility>

#include "common/base/text.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/pipeline_state.h"
#include "fwknopd/policy.h"

namespace latchkey::fwknopd {
namespace {

std::vector<Service> services_of(const std::vector<spa::PortItem>& ports) {
  std::vector<Service> services;
  for (const spa::PortItem& port : ports) {
    services.push_back({port.protocol == spa::Protocol::tcp ? Protocol::tcp : Protocol::udp, port.port});
  }
  return services;
}

/// The protocol and port lists of access messages; empty for commands.
const spa::AccessText* access_of(const spa::Body& body) {
  return std::visit(Overloaded{[](const spa::Command&) -> const spa::AccessText* { return nullptr; },
                               [](const auto& access) -> const spa::AccessText* { return &access.request; }},
                    body);
}

}  // namespace

RequestKind kind_of(const spa::Body& body) {
  return std::visit(Overloaded{[](const spa::NatAccess&) { return RequestKind::forward_nat; },
                               [](const spa::LocalNatAccess&) { return RequestKind::local_nat; },
                               [](const auto&) { return RequestKind::access; }},
                    body);
}

AccessRequest Pipeline::request_for(const Attempt& attempt, std::size_t index, const spa::Message& message) {
  AccessRequest request;
  request.stanza = static_cast<std::uint32_t>(index);
  request.packet_source = attempt.packet.source;
  request.packet_destination = attempt.packet.destination;
  request.allowed = attempt.allowed;
  request.kind = kind_of(message.body);
  if (const auto* access = access_of(message.body)) request.services = services_of(access->ports);
  if (const auto* nat = message.nat()) request.nat = NatTarget{nat->host, nat->port};
  request.client_timeout_s = message.timeout_s().value_or(0);
  return request;
}

/// B20 to B24
Pipeline::Verdict Pipeline::act(const Attempt& attempt, std::size_t index, const spa::Message& message) {
  const Stanza& stanza = context_.stanzas[index];
  if (stanza.cycle) return act_on_cycle(attempt, index, message);
  if (const auto* command = std::get_if<spa::Command>(&message.body)) {
    return act_on_command(attempt, index, command->request.command);
  }
  const AccessRequest request = request_for(attempt, index, message);
  if (!allows_services(stanza, request.services)) {
    context_.log.warning(text::ports_denied, attempt.source, stanza.number);
    return Verdict::next;
  }
  if (context_.settings.test_mode) {
    context_.log.warning(text::test_firewall, attempt.source, stanza.number);
    return Verdict::next;
  }
  return context_.host.submit(request) ? Verdict::stop : Verdict::next;
}

Pipeline::Verdict Pipeline::act_on_command(const Attempt& attempt, std::size_t index, const std::string& command) {
  const Stanza& stanza = context_.stanzas[index];
  if (!stanza.enable_cmd_exec) {
    context_.log.warning(text::commands_not_allowed, attempt.source, stanza.number);
    return Verdict::next;
  }
  if (context_.settings.test_mode) {
    context_.log.warning(text::test_command, attempt.source, stanza.number);
    return Verdict::next;
  }
  const CommandRequest request{static_cast<std::uint32_t>(index), attempt.packet.source, attempt.allowed, command};
  return context_.host.submit(request) ? Verdict::stop : Verdict::next;
}

/// A command message has no port list; the peer tries to read one out of the command and says what is wrong with it.
std::optional<std::vector<Service>> Pipeline::services_in_command(std::string_view command) {
  std::vector<Service> services;
  for (std::string_view entry : split(command, ',')) {
    entry = strip_left(entry);
    const auto slash = entry.find('/');
    if (slash == std::string_view::npos) {
      context_.log.error(text::port_entry_no_slash, entry);
      return std::nullopt;
    }
    const auto number = parse_lenient_number(entry.substr(slash + 1));
    if (number.value < 0 || number.value > 65535) {
      context_.log.error(text::port_entry_bad_port, entry);
      return std::nullopt;
    }
    const auto protocol = entry.substr(0, slash);
    const bool is_tcp = equals_ignoring_case(protocol, "tcp");
    if ((!is_tcp && !equals_ignoring_case(protocol, "udp")) || !number.rest.empty()) {
      context_.log.error(text::port_entry_bad_protocol, entry);
      return std::nullopt;
    }
    services.push_back({is_tcp ? Protocol::tcp : Protocol::udp, static_cast<std::uint16_t>(number.value)});
  }
  return services;
}

Pipeline::Verdict Pipeline::act_on_cycle(const Attempt& attempt, std::size_t index, const spa::Message& message) {
  const Stanza& stanza = context_.stanzas[index];
  CycleRequest request{request_for(attempt, index, message), attempt.packet.shown_destination, message.timestamp_s};
  if (const auto* command = std::get_if<spa::Command>(&message.body)) {
    auto services = services_in_command(command->request.command);
    if (!services) {
      context_.log.error(text::cycle_open_not_built, attempt.source, stanza.number);
      return Verdict::next;
    }
    request.access.services = std::move(*services);
  }
  if (!allows_services(stanza, request.access.services)) {
    context_.log.warning(text::ports_denied, attempt.source, stanza.number);
    return Verdict::next;
  }
  if (context_.settings.test_mode) {
    context_.log.warning(text::test_command, attempt.source, stanza.number);
    return Verdict::next;
  }
  return context_.host.submit(request) ? Verdict::stop : Verdict::next;
}

}  // namespace latchkey::fwknopd
