// SPDX-License-Identifier: GPL-2.0-or-later
// Places of a configuration, and their removal.
#include "fwknopd/firewall/place.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/text.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/firewall/firewall.h"

namespace latchkey::fwknopd {
namespace {

/// Settings of a firewall that has this place and no other.
FirewallSettings settings_for(const RulePlace& place) {
  FirewallSettings settings;
  settings.kind = place.kind;
  settings.exe = place.exe;
  settings.input_chain = {"ACCEPT", place.table, place.from_chain, 1, place.name, 1};
  settings.ipfw_active_set = parse_number<unsigned>(place.name).value_or(settings.ipfw_active_set);
  settings.pf_anchor = place.name;
  return settings;
}

}  // namespace

RulePlace place_of(const FirewallSettings& settings, const ChainSpec& chain) {
  return {settings.kind, settings.exe, chain.table, chain.from_chain, chain.to_chain};
}

RulePlace place_of(const FirewallSettings& settings, const QueueSettings& queue) {
  return {settings.kind, settings.exe, queue.table, "INPUT", queue.chain};
}

RulePlace place_of(const FirewallSettings& settings) {
  RulePlace place{.kind = settings.kind, .exe = settings.exe, .name = settings.pf_anchor};
  if (settings.kind == FirewallKind::ipfw) place.name = fmt::format("{}", settings.ipfw_active_set);
  return place;
}

std::vector<RulePlace> places_of(const FirewallSettings& settings, const std::vector<Stanza>& stanzas) {
  if (settings.kind == FirewallKind::ipfw || settings.kind == FirewallKind::pf) return {place_of(settings)};
  std::vector<RulePlace> places;
  for (const Slot slot : active_slots(settings, stanzas))
    places.push_back(place_of(settings, chain_of(settings, slot)));
  return places;
}

std::vector<RulePlace> places_of(const Settings& settings, const std::vector<Stanza>& stanzas) {
  std::vector<RulePlace> places;
  if (needs_firewall(settings, stanzas)) places = places_of(settings.firewall, stanzas);
  if (settings.capture.mode == CaptureMode::nfqueue && !settings.test_mode)
    places.push_back(place_of(settings.firewall, settings.capture.queue));
  return places;
}

bool remove_place(const RulePlace& place, log::Logger& log, int verbosity) {
  const std::string program = place.exe.substr(0, place.exe.find(' '));
  const bool has_path = program.find('/') != std::string::npos;  // else the runner looks for it
  if (has_path && ::access(program.c_str(), X_OK) != 0) {
    log.warning("Rules of an earlier fwknopd may stand in {}: {} is not there to remove them", place.name, program);
    return true;  // and will not be there the next time
  }
  return remove_rules({settings_for(place), {}, log, verbosity});
}

}  // namespace latchkey::fwknopd
