// SPDX-License-Identifier: GPL-2.0-or-later
// Removal of all rules that are due by one program, in the background. After a deletion iptables waits 10 to 20 ms for
// the kernel's grace period before it ends: rule by rule that would add up, and packets would wait for it.
#include <algorithm>
#include <map>

#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {
namespace {

/// iptables-restore knows quotes and comments; words without any need none of it.
bool is_plain(const std::string& word) {
  constexpr std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.,:/+@";
  return !word.empty() && word.find_first_not_of(characters) == std::string::npos;
}

}  // namespace

/// Debug lines show a command for each rule, and the legacy tables do not tell of changes.
bool XtablesFirewall::can_work_together() const {
  return version_.is_nftables && !is_debug() && !context_.restore_exe.empty();
}

/// As they stand in the chain when nothing else does.
std::vector<const XtablesFirewall::Tracked*> XtablesFirewall::rules_in_order(Slot slot) const {
  std::vector<const Tracked*> rules;
  for (const Tracked& tracked : rules_) {
    if (tracked.open.rule.slot == slot) rules.push_back(&tracked);
  }
  if (context_.settings.rule_prepend) std::ranges::reverse(rules);
  return rules;
}

bool XtablesFirewall::holds_only_ours(Slot slot, const std::vector<Tracked*>& ours, const Listing& listing) const {
  return listing.last_number == ours.size() && std::ranges::equal(ours, rules_in_order(slot));
}

/// Without a look at the chain, where the kernel says that nobody else has changed anything. False: that is not known.
bool XtablesFirewall::collect_due(Slot slot, Removal& removal) {
  const auto known = known_at_.find(slot);
  if (known == known_at_.end() || known->second != count_changes()) return false;
  const MonotonicTime now = context_.clock.monotonic();
  unsigned number = 0;
  for (const Tracked* tracked : rules_in_order(slot)) {
    ++number;
    if (tracked->open.due <= now) removal.items.push_back({tracked->open.id, number});
  }
  return true;
}

XtablesFirewall::Tracked* XtablesFirewall::find_rule(std::uint64_t id) {
  const auto found = std::ranges::find(rules_, id, [](const Tracked& tracked) { return tracked.open.id; });
  return found == rules_.end() ? nullptr : &*found;
}

/// "*filter", a line "COMMAND CHAIN RULE" for each rule, "COMMIT", for each table.
XtablesFirewall::Batch XtablesFirewall::make_batch(const std::string& command,
                                                   const std::vector<const Rule*>& rules) const {
  std::map<std::string, std::string> tables;
  for (const Rule* rule : rules) {
    const ChainSpec& spec = chain(rule->slot);
    Words words = rule_words(*rule, spec);
    if (!is_plain(spec.to_chain) || !std::ranges::all_of(words, is_plain)) return {};
    words.erase(words.begin(), words.begin() + 2);  // "-t TABLE": the file says it in its own way
    tables[spec.table] += command + " " + spec.to_chain + " " + join(words) + "\n";
  }
  Batch batch;
  batch.commits = tables.size();
  for (const auto& [table, lines] : tables) batch.text += "*" + table + "\n" + lines + "COMMIT\n";
  return batch;
}

void XtablesFirewall::remove_together(Removal removal) {
  std::vector<const Rule*> rules;
  for (const Removal::Item& item : removal.items) rules.push_back(&find_rule(item.id)->open.rule);
  const Batch batch = make_batch("-D", rules);
  removal.commits = batch.commits;
  removal.changes_before = count_changes();
  removal_ = std::make_shared<Removal>(std::move(removal));
  if (batch.text.empty()) return end_removal({.code = -1, .exit_status = 0, .output = {}});
  // Whoever stops or hands over the rules meanwhile drops the removal: its end then concerns nobody.
  context_.runner.start({context_.restore_exe, "--noflush"}, batch.text,
                        [this, removal = std::weak_ptr(removal_)](const CommandResult& result) {
                          if (!removal.expired()) end_removal(result);
                        });
}

void XtablesFirewall::end_removal(const CommandResult& result) {
  const std::shared_ptr<Removal> removal = std::exchange(removal_, nullptr);
  if (has_succeeded(result)) {
    for (const Removal::Item& item : removal->items) note_removed(*find_rule(item.id), item.number);
    forget_closed();
    account_for(*removal);
  } else {
    // All or nothing: one rule that somebody else took away is enough. Rule by rule it shows which.
    const MonotonicTime now = context_.clock.monotonic();
    for (const Slot slot : slots_) {
      const bool is_due = std::ranges::any_of(
          rules_, [&](const Tracked& tracked) { return tracked.open.rule.slot == slot && tracked.open.due <= now; });
      if (is_due) sweep(slot, nullptr);
    }
  }
  if (removal->checks_deeply_after) check_deeply();
  if (context_.on_removal_end) context_.on_removal_end();
}

/// What was known of the chains stays known when nobody but us has changed anything since the removal began.
void XtablesFirewall::account_for(const Removal& removal) {
  const auto now = count_changes();
  if (!now || !removal.changes_before) return;
  if (*now != *removal.changes_before + removal.commits + removal.changes_meanwhile) {
    context_.on_foreign_change();
    return;
  }
  keep_known(*removal.changes_before, *now);
}

}  // namespace latchkey::fwknopd
