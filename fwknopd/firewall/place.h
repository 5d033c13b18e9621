// SPDX-License-Identifier: GPL-2.0-or-later
// RulePlace: where rules of fwknopd stand in the kernel, so that they are found when the configuration names another.
#pragma once
#include <string>
#include <vector>

#include "common/log/logger.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

/// What --fw-flush deletes: a chain with the jump to it, a set of ipfw, an anchor of pf.
struct RulePlace {
  FirewallKind kind = FirewallKind::iptables;
  std::string exe;
  std::string table = "-";       ///< of a chain
  std::string from_chain = "-";  ///< where the jump to it stands
  std::string name;              ///< of the chain; the number of the set; the anchor
  bool operator==(const RulePlace&) const = default;
};

RulePlace place_of(const FirewallSettings& settings, const ChainSpec& chain);
RulePlace place_of(const FirewallSettings& settings, const QueueSettings& queue);
/// ipfw and pf, which have one.
RulePlace place_of(const FirewallSettings& settings);

/// All that the firewall uses; without stanzas, what no stanza forces.
std::vector<RulePlace> places_of(const FirewallSettings& settings, const std::vector<Stanza>& stanzas);
/// All that a daemon uses, the netfilter queue's included.
std::vector<RulePlace> places_of(const Settings& settings, const std::vector<Stanza>& stanzas);

/// Deletes it with what is in it. False: perhaps it is still there; lines say why.
bool remove_place(const RulePlace& place, log::Logger& log, int verbosity);

}  // namespace latchkey::fwknopd
