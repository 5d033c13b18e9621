// SPDX-License-Identifier: GPL-2.0-or-later
// The rule model: which rules a grant needs. Pure; a back-end prints them (spec/fwknopd-runtime.md 4.2, 4.3).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"
#include "fwknopd/firewall/grant.h"

namespace latchkey::fwknopd {

/// The six chains of fwknopd, in the order in which they are always processed.
enum class Slot : std::uint8_t { input, output, forward, dnat, snat, masquerade };
inline constexpr auto all_slots =
    std::to_array({Slot::input, Slot::output, Slot::forward, Slot::dnat, Slot::snat, Slot::masquerade});

const ChainSpec& chain_of(const FirewallSettings& settings, Slot slot);

/// The slots in use. SNAT and MASQUERADE count as soon as a stanza forces them (4.3, DEVIATE).
std::vector<Slot> active_slots(const FirewallSettings& settings, const std::vector<Stanza>& stanzas);

enum class RuleKind : std::uint8_t { access, output, local_nat, forward, forward_all, dnat, dnat_all, snat, snat_all };
/// The word of the log lines: "access", "local NAT", "FORWARD ALL" ...
const char* name_of(RuleKind kind);
/// The *_ALL kinds match every protocol and port.
bool is_for_all_services(RuleKind kind);

struct Rule {
  RuleKind kind = RuleKind::access;
  Slot slot = Slot::input;
  net::IpAddress allowed;
  std::optional<net::IpAddress> destination;  ///< of the packet, where ENABLE_DESTINATION_RULE wants it; else any
  Service service;                            ///< protocol and matched port; unused for the *_ALL kinds
  std::optional<Endpoint> nat;                ///< DNAT: the new destination; SNAT: the destination that is matched
  std::optional<net::IpAddress> source;       ///< SNAT in its own chain: the new source
  std::optional<std::uint16_t> source_port;   ///< MASQUERADE: --to-ports
  std::int64_t expires_at_s = 0;
  std::string services_text;  ///< the whole list of the message, for the log
  bool operator==(const Rule&) const = default;
};

/// The rules of one grant, in the order in which they are made. `slots` are the active ones.
std::vector<Rule> plan_rules(const FirewallSettings& settings, const std::vector<Slot>& slots, const Stanza& stanza,
                             const Grant& grant);

}  // namespace latchkey::fwknopd
