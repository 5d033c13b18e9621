// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs about rules, with the help of the state file.
#include "fwknopd/rule_verbs.h"

#include <algorithm>
#include <cerrno>

#include "common/base/fd.h"
#include "fwknopd/firewall/firewall.h"
#include "fwknopd/grant_journal.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

std::vector<RulePlace> known_places(const Settings& settings, log::Logger& log) {
  std::vector<RulePlace> places;
  const auto journal = read_journal(journal_path(settings), journal_time(SystemClock()));
  if (journal) {
    for (const EnteredPlace& entered : journal->places) places.push_back(entered.place);
  } else if (journal.error().os_code != ENOENT) {
    log.error("Could not read the state file: {}", journal.error().text);
  }
  return places;
}

bool contains(const std::vector<RulePlace>& places, const RulePlace& place) {
  return std::ranges::find(places, place) != places.end();
}

/// Chains for SNAT are in use where a stanza forces it: one in place of all.
std::vector<Stanza> stanzas_behind(const FirewallSettings& settings, const std::vector<RulePlace>& places) {
  std::vector<Stanza> stanzas(1);
  stanzas[0].force_masquerade = contains(places, place_of(settings, settings.snat_chain));
  return stanzas;
}

}  // namespace

void list_rules(const Settings& settings, bool is_everything, log::Logger& log) {
  const auto stanzas = stanzas_behind(settings.firewall, known_places(settings, log));
  list_firewall({settings.firewall, stanzas, log, settings.verbosity}, is_everything);
}

void flush_rules(const Settings& settings, log::Logger& log) {
  const FirewallSettings& firewall = settings.firewall;
  static_cast<void>(write_all(1, "Deleting any existing firewall rules...\n"));
  if (settings.test_mode) return;
  const auto known = known_places(settings, log);
  const auto stanzas = stanzas_behind(firewall, known);
  remove_rules({firewall, stanzas, log, settings.verbosity});
  auto flushed = places_of(firewall, stanzas);
  if (settings.capture.mode == CaptureMode::nfqueue) {
    flushed.push_back(place_of(firewall, settings.capture.queue));
    remove_place(flushed.back(), log, settings.verbosity);
  }
  for (const RulePlace& place : known) {
    if (contains(flushed, place)) continue;
    if (remove_place(place, log, settings.verbosity)) log.info(text::place_left, place.name);
  }
}

}  // namespace latchkey::fwknopd
