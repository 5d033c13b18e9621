// SPDX-License-Identifier: GPL-2.0-or-later
// Rules of an earlier process, or of the configuration before a reload: one look at each chain, and one program for a
// chain that is empty. Rule by rule a reload with a thousand of them would take seconds, in which no packet is read.
#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {
namespace {

bool contains(const auto& range, const auto& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

}  // namespace

void XtablesFirewall::restore(std::vector<OpenRule> rules) {
  std::vector<Slot> ensured;
  for (OpenRule& open : rules) {
    const Slot slot = open.rule.slot;
    if (!contains(slots_, slot)) {
      context_.journal.closed(open);
      continue;
    }
    if (!contains(ensured, slot)) {
      ensure_chain(slot);
      ensured.push_back(slot);
    }
    rules_.push_back({.open = open, .next_try = open.due});
  }
  // An iptables that is out of order finds no rule and makes none: it is looked for when it is due, whatever was said.
  for (const Slot slot : ensured) restore_chain(slot);
}

void XtablesFirewall::restore_chain(Slot slot) {
  std::vector<const Tracked*> missing;
  for (const Tracked& tracked : rules_) {
    if (tracked.open.rule.slot == slot && tracked.open.due > context_.clock.monotonic()) missing.push_back(&tracked);
  }
  const auto text = can_work_together() ? take_listing(slot) : std::nullopt;
  if (text) {
    const Listing listing = parse_listing(*text);
    if (listing.last_number == 0 && make_together(missing)) return;
    forget_listed(slot, listing, missing);
  }
  for (const Tracked* tracked : missing) {
    if (!is_in_chain(tracked->open.rule)) insert_rule(tracked->open);
  }
}

/// What the listing does not show as it should is looked for by specification.
void XtablesFirewall::forget_listed(Slot slot, const Listing& listing, std::vector<const Tracked*>& rules) const {
  std::multimap<std::int64_t, std::string_view> lines;
  for (const ListedRule& listed : listing.rules) lines.emplace(listed.expires_at_s, listed.without_number());
  std::erase_if(rules, [&](const Tracked* tracked) {
    const Rule& rule = tracked->open.rule;
    const auto [begin, end] = lines.equal_range(rule.expires_at_s);
    const auto found =
        std::find_if(begin, end, [&](const auto& line) { return is_listed(rule, chain(slot), line.second); });
    if (found == end) return false;
    lines.erase(found);
    return true;
  });
}

bool XtablesFirewall::make_together(const std::vector<const Tracked*>& rules) {
  std::vector<const Rule*> wanted;
  for (const Tracked* tracked : rules) wanted.push_back(&tracked->open.rule);
  const Batch batch = make_batch(context_.settings.rule_prepend ? "-I" : "-A", wanted);
  return wanted.empty() ||
         (!batch.text.empty() && has_succeeded(context_.runner.run({context_.restore_exe, "--noflush"}, batch.text)));
}

}  // namespace latchkey::fwknopd
