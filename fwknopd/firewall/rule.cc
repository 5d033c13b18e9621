// SPDX-License-Identifier: GPL-2.0-or-later
// The rule planner.
#include "fwknopd/firewall/rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace latchkey::fwknopd {
namespace {

bool contains(const std::vector<Slot>& slots, Slot slot) { return std::ranges::find(slots, slot) != slots.end(); }

bool forces_snat(const Stanza& stanza) { return stanza.force_snat_ip || stanza.force_masquerade; }

std::optional<net::IpAddress> parsed(const std::optional<std::string>& text) {
  return text ? net::parse_ip_address(*text) : std::nullopt;
}

/// What all rules of one grant share.
class Planner {
 public:
  Planner(const FirewallSettings& settings, const std::vector<Slot>& slots, const Stanza& stanza, const Grant& grant)
      : settings_(settings), slots_(slots), stanza_(stanza), grant_(grant) {}

  std::vector<Rule> plan() {
    if (grant_.kind == RequestKind::access && !stanza_.force_nat) {
      plan_access();
    } else if (!grant_.services.empty() && nat()) {
      plan_nat();
    }
    return std::move(rules_);
  }

 private:
  std::optional<Endpoint> nat() const {
    if (!stanza_.force_nat) return grant_.nat;
    const auto address = net::parse_ip_address(stanza_.force_nat->ip);
    return address ? std::optional(Endpoint{*address, stanza_.force_nat->port}) : std::nullopt;
  }

  Rule make(RuleKind kind, Slot slot, Service service) const {
    Rule rule;
    rule.kind = kind;
    rule.slot = slot;
    rule.allowed = grant_.allowed;
    rule.service = service;
    rule.expires_at_s = grant_.expires_at_s;
    rule.services_text = is_for_all_services(kind) ? "*/*" : format_services(grant_.services);
    return rule;
  }

  void add_with_destination(Rule rule) {
    if (settings_.destination_rule) rule.destination = grant_.destination;
    rules_.push_back(std::move(rule));
  }

  void plan_access() {
    for (const Service& service : grant_.services) {
      add_with_destination(make(RuleKind::access, Slot::input, service));
      if (contains(slots_, Slot::output)) add_with_destination(make(RuleKind::output, Slot::output, service));
    }
  }

  /// Only the first service of a NAT request counts (4.3).
  void plan_nat() {
    const Service first = grant_.services.front();
    const Service at_target{first.protocol, nat()->port};
    if (grant_.kind == RequestKind::local_nat) {
      add_with_destination(make(RuleKind::local_nat, Slot::input, at_target));
    } else if (contains(slots_, Slot::forward)) {
      rules_.push_back(make(stanza_.forward_all ? RuleKind::forward_all : RuleKind::forward, Slot::forward, at_target));
    }
    if (contains(slots_, Slot::dnat) && !stanza_.disable_dnat) {
      Rule rule = make(stanza_.forward_all ? RuleKind::dnat_all : RuleKind::dnat, Slot::dnat, first);
      rule.nat = nat();
      add_with_destination(std::move(rule));
    }
    if (forces_snat(stanza_) || settings_.snat) plan_snat(first);
  }

  void plan_snat(Service first) {
    const auto forced = parsed(stanza_.force_snat_ip);
    const auto configured = parsed(settings_.snat_translate_ip);
    // FORCE_MASQUERADE stands between the two, but where everything is forwarded it is only the last resort.
    const bool masquerades = stanza_.force_masquerade && !stanza_.forward_all;
    const auto source = forced ? forced : masquerades ? std::nullopt : configured;
    const Slot slot = source ? Slot::snat : Slot::masquerade;
    if (!contains(slots_, slot)) return;
    Rule rule = make(stanza_.forward_all ? RuleKind::snat_all : RuleKind::snat, slot, {first.protocol, nat()->port});
    if (!stanza_.forward_all) rule.nat = nat();
    rule.source = source;
    if (!source && !stanza_.forward_all) rule.source_port = first.port;
    rules_.push_back(std::move(rule));
  }

  const FirewallSettings& settings_;
  const std::vector<Slot>& slots_;
  const Stanza& stanza_;
  const Grant& grant_;
  std::vector<Rule> rules_;
};

}  // namespace

std::string format_services(const std::vector<Service>& services) {
  std::string text;
  for (const Service& service : services) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}/{}", service.protocol == Protocol::tcp ? "tcp" : "udp", service.port);
  }
  return text;
}

const ChainSpec& chain_of(const FirewallSettings& settings, Slot slot) {
  switch (slot) {
    case Slot::input:
      return settings.input_chain;
    case Slot::output:
      return settings.output_chain;
    case Slot::forward:
      return settings.forward_chain;
    case Slot::dnat:
      return settings.dnat_chain;
    case Slot::snat:
      return settings.snat_chain;
    case Slot::masquerade:
      break;
  }
  return settings.masquerade_chain;
}

std::vector<Slot> active_slots(const FirewallSettings& settings, const std::vector<Stanza>& stanzas) {
  std::vector<Slot> slots{Slot::input};
  if (settings.output) slots.push_back(Slot::output);
  if (settings.forwarding || settings.local_nat) {
    slots.insert(slots.end(), {Slot::forward, Slot::dnat});
    if (settings.snat || std::ranges::any_of(stanzas, forces_snat)) {
      slots.insert(slots.end(), {Slot::snat, Slot::masquerade});
    }
  }
  return slots;
}

const char* name_of(RuleKind kind) {
  switch (kind) {
    case RuleKind::access:
      return "access";
    case RuleKind::output:
      return "OUTPUT";
    case RuleKind::local_nat:
      return "local NAT";
    case RuleKind::forward:
      return "FORWARD";
    case RuleKind::forward_all:
      return "FORWARD ALL";
    case RuleKind::dnat:
      return "DNAT";
    case RuleKind::dnat_all:
      return "DNAT ALL";
    case RuleKind::snat:
      return "SNAT";
    case RuleKind::snat_all:
      break;
  }
  return "SNAT ALL";
}

bool is_for_all_services(RuleKind kind) {
  return kind == RuleKind::forward_all || kind == RuleKind::dnat_all || kind == RuleKind::snat_all;
}

std::vector<Rule> plan_rules(const FirewallSettings& settings, const std::vector<Slot>& slots, const Stanza& stanza,
                             const Grant& grant) {
  return Planner(settings, slots, stanza, grant).plan();
}

}  // namespace latchkey::fwknopd
