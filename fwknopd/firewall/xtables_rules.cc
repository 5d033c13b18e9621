// SPDX-License-Identifier: GPL-2.0-or-later
// Rules of the iptables back-end: adding, expiry, restoring (spec/fwknopd-runtime.md 4.2-4.4).
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/base/text.h"
#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::chrono::seconds retry_interval{1};

int number(Slot slot) { return static_cast<int>(slot); }

bool contains(const auto& range, const auto& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

Words with_rule(const char* command, const Rule& rule, const ChainSpec& chain) {
  Words words{command, chain.to_chain};
  const Words rest = rule_words(rule, chain);
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

}  // namespace

/// A rule with the same expiry can only be one of ours.
bool XtablesFirewall::has_rule(const Rule& rule) const {
  return std::ranges::any_of(rules_, [&](const Tracked& tracked) {
    const Rule& other = tracked.open.rule;
    return other.expires_at_s == rule.expires_at_s && other.allowed == rule.allowed && other.slot == rule.slot &&
           rule_words(other, chain(other.slot)) == rule_words(rule, chain(rule.slot));
  });
}

bool XtablesFirewall::rule_exists(const Rule& rule) {
  return !is_debug() && seen_at_.contains(rule.slot) ? has_rule(rule) : is_in_chain(rule);
}

bool XtablesFirewall::is_in_chain(const Rule& rule) {
  const bool is_there = can_check_ ? rule_exists_by_check(rule) : rule_exists_by_listing(rule);
  debug(fmt::format("rule_exists() Rule : '{}' in {} {}", join(rule_words(rule, chain(rule.slot))),
                    chain(rule.slot).to_chain, is_there ? "already exists" : "does not exist"));
  return is_there;
}

bool XtablesFirewall::rule_exists_by_check(const Rule& rule) {
  const ChainSpec& spec = chain(rule.slot);
  const bool is_there = has_succeeded(call("rule_exists_chk_support", with_rule("-C", rule, spec)));
  debug(fmt::format("rule_exists_chk_support() Rule : '{}' in {} {}", join(rule_words(rule, spec)), spec.to_chain,
                    is_there ? "already exists" : "does not exist"));
  return is_there;
}

bool XtablesFirewall::rule_exists_by_listing(const Rule& rule) {
  const ChainSpec& spec = chain(rule.slot);
  const auto listing = call("rule_exists_no_chk_support", {"-t", spec.table, "-L", spec.to_chain, "-n"});
  const bool is_there = is_listed(rule, spec, listing.output);
  debug(fmt::format("rule_exists_no_chk_support()  {}  {} -> {} expires: {} rule {}",
                    rule.service.protocol == Protocol::tcp ? "tcp" : "udp", rule.service.port,
                    net::format_ip_address(rule.allowed), rule.expires_at_s,
                    is_there ? "already exists" : "does not exist"));
  return is_there;
}

void XtablesFirewall::debug_nat_rule(const Rule& rule, const Stanza& stanza) {
  if (!is_debug()) return;
  const std::string address = rule.nat ? net::format_ip_address(rule.nat->address) : "0.0.0.0";
  const int port = rule.nat ? rule.nat->port : rule.service.port;
  const int is_all = stanza.forward_all ? 1 : 0;
  if (rule.slot == Slot::forward) {
    debug(fmt::format("forward_access_rule() forward_all: {}, nat_ip: {}, nat_port: {}", is_all, address, port));
  } else if (rule.slot == Slot::dnat) {
    debug(fmt::format("dnat_rule() forward_all: {}, nat_ip: {}, nat_port: {}", is_all, address, port));
  } else if (rule.slot == Slot::snat || rule.slot == Slot::masquerade) {
    debug(fmt::format(
        "snat_rule() forward_all: {}, nat_ip: {}, nat_port: {}, force_snat: {}, force_snat_ip: {}, force_masq: {}",
        is_all, address, port, stanza.force_snat_ip || stanza.force_masquerade ? 1 : 0,
        stanza.force_snat_ip.value_or("(NONE)"), stanza.force_masquerade ? 1 : 0));
  }
}

void XtablesFirewall::open(const Stanza& stanza, const Grant& grant) {
  std::vector<Slot> ensured;
  for (const Rule& rule : plan_rules(context_.settings, slots_, stanza, grant)) {
    debug_nat_rule(rule, stanza);
    if (!contains(ensured, rule.slot)) {
      if (!ensure_chain(rule.slot)) continue;
      ensured.push_back(rule.slot);
    }
    if (rule_exists(rule)) continue;
    OpenRule open;
    open.rule = rule;
    open.due = grant.due;
    if (add_rule(open)) context_.log.write(log::Level::info, format_added(rule, chain(rule.slot)));
  }
}

bool XtablesFirewall::add_rule(OpenRule open) {
  if (!context_.journal.opening(open)) return false;
  const CommandResult result = insert_rule(open);
  const bool is_made = has_succeeded(result);
  // What may be there is looked for when it is due.
  if (is_made || result.is_unknown()) {
    rules_.push_back({.open = open, .next_try = open.due});
  } else {
    context_.journal.closed(open);
  }
  return is_made;
}

CommandResult XtablesFirewall::insert_rule(const OpenRule& open) {
  const ChainSpec& spec = chain(open.rule.slot);
  const Words arguments = with_rule(context_.settings.rule_prepend ? "-I" : "-A", open.rule, spec);
  CommandResult result = change(arguments);
  if (!has_succeeded(result)) {
    report("create_rule", arguments, result);
    if (result.is_unknown()) known_at_.erase(open.rule.slot);
    return result;
  }
  debug(fmt::format("create_rule() CMD: '{}' (res: 0, err: {})", shown(arguments), strip_right(result.output)));
  debug(fmt::format("create_rule() Rule: '{}' added to {}", join(rule_words(open.rule, spec)), spec.to_chain));
  return result;
}

std::vector<OpenRule> XtablesFirewall::release() {
  removal_.reset();
  std::vector<OpenRule> rules;
  for (Tracked& tracked : rules_) rules.push_back(std::move(tracked.open));
  rules_.clear();
  return rules;
}

std::optional<MonotonicTime> XtablesFirewall::next_due() const {
  if (removal_) return std::nullopt;
  const auto first = std::ranges::min_element(rules_, {}, &Tracked::next_try);
  return first == rules_.end() ? std::nullopt : std::optional(first->next_try);
}

void XtablesFirewall::expire() {
  if (removal_) return;
  const MonotonicTime now = context_.clock.monotonic();
  Removal removal;
  for (const Slot slot : slots_) {
    const bool is_due = std::ranges::any_of(
        rules_, [&](const Tracked& tracked) { return tracked.open.rule.slot == slot && tracked.next_try <= now; });
    if (!is_due) continue;
    if (!can_work_together()) {
      sweep(slot, nullptr);
    } else if (!collect_due(slot, removal)) {
      sweep(slot, &removal);
    }
  }
  if (!removal.items.empty()) remove_together(std::move(removal));
}

void XtablesFirewall::check_deeply() {
  if (removal_) {
    removal_->checks_deeply_after = true;
    return;
  }
  next_foreign_expiry_s_.reset();
  for (const Slot slot : slots_) sweep(slot, nullptr);
}

std::optional<std::string> XtablesFirewall::take_listing(Slot slot) {
  const Words arguments{"-t", chain(slot).table, "-L", chain(slot).to_chain, "--line-numbers", "-n"};
  const CommandResult result = run(arguments);
  if (is_debug()) {
    debug(fmt::format("check_firewall_rules() CMD: '{}' (res: {}, {}: {})", shown(arguments), result.code,
                      dialect_.list_name, result.output));
    debug(fmt::format("RES={}, CMD_BUF: {}\nRULES LIST: {}", result.code, shown(arguments), result.output));
  }
  if (has_succeeded(result)) return result.output;
  // A chain that somebody deleted is empty: what was in it is gone. But an iptables that is out of order, perhaps for a
  // moment, says nothing about our chain; its built-in one tells the two cases apart before the chain is looked for
  // again.
  const bool is_missing =
      is_refusal(result) &&
      has_succeeded(call("chain_exists", {"-t", chain(slot).table, "-L", chain(slot).from_chain, "-n"})) &&
      is_refusal(call("chain_exists", {"-t", chain(slot).table, "-L", chain(slot).to_chain, "-n"}));
  if (is_missing) return std::string();
  report("check_firewall_rules", arguments, result);
  return std::nullopt;
}

XtablesFirewall::Tracked* XtablesFirewall::own_rule(Slot slot, const ListedRule& listed) {
  Tracked* found = nullptr;
  for (Tracked& tracked : rules_) {
    const Rule& rule = tracked.open.rule;
    if (rule.slot != slot || rule.expires_at_s != listed.expires_at_s || tracked.is_seen) continue;
    if (is_listed(rule, chain(slot), listed.without_number())) return &tracked;
    if (!found) found = &tracked;
  }
  return found;
}

/// For each rule of the listing ours, or null.
std::vector<XtablesFirewall::Tracked*> XtablesFirewall::own_rules(Slot slot, const Listing& listing) {
  for (Tracked& tracked : rules_) tracked.is_seen = false;
  std::vector<Tracked*> ours;
  for (const ListedRule& listed : listing.rules) {
    ours.push_back(own_rule(slot, listed));
    if (ours.back()) ours.back()->is_seen = true;
  }
  return ours;
}

/// One pass over a chain: our own rules by the clock that nobody steps, those of others by the calendar. With
/// `together`, our own are only collected.
void XtablesFirewall::sweep(Slot slot, Removal* together) {
  const MonotonicTime now = context_.clock.monotonic();
  const std::int64_t today = to_epoch_seconds(context_.clock.wall());
  const auto changes = count_changes();  // before the look: what changes meanwhile makes the next sweep look again
  const auto text = take_listing(slot);
  if (!text) {
    for (Tracked& tracked : rules_) {
      if (tracked.open.rule.slot == slot && tracked.next_try <= now) tracked.next_try = now + retry_interval;
    }
    return;
  }
  const Listing listing = parse_listing(*text);
  if (listing.has_broken_line) {
    context_.log.error("Rule parse error while finding rule number in chain {}", number(slot));
  }
  const std::vector<Tracked*> ours = own_rules(slot, listing);
  if (changes && holds_only_ours(slot, ours, listing)) known_at_[slot] = *changes;
  unsigned removed = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const ListedRule& listed = listing.rules[i];
    if (Tracked* own = ours[i]) {
      if (own->open.due > now) continue;
      if (together) {
        together->items.push_back({own->open.id, listed.number});
      } else if (remove_own(*own, listed.number, removed)) {
        ++removed;
      }
    } else if (listed.expires_at_s <= today) {
      if (remove_foreign(slot, listed, removed)) ++removed;
    } else {
      next_foreign_expiry_s_ = std::min(next_foreign_expiry_s_.value_or(listed.expires_at_s), listed.expires_at_s);
    }
  }
  forget_vanished(slot);
  forget_closed();
}

/// By specification, so that a chain that changed meanwhile loses the right rule; by number where that is refused.
bool XtablesFirewall::remove_own(Tracked& tracked, unsigned number, unsigned already_removed) {
  const ChainSpec& spec = chain(tracked.open.rule.slot);
  Words arguments = with_rule("-D", tracked.open.rule, spec);
  CommandResult result = change(arguments);
  debug(fmt::format("{}() CMD: '{}' (res: {}, err: {})", dialect_.delete_name, shown(arguments), result.code,
                    strip_right(result.output)));
  if (result.code == 0 && !has_succeeded(result)) {
    arguments = {"-t", spec.table, "-D", spec.to_chain, fmt::format("{}", number - already_removed)};
    result = call(dialect_.delete_name, arguments);
  }
  if (!has_succeeded(result)) {
    report("rm_expired_rules", arguments, result);
    tracked.next_try = context_.clock.monotonic() + retry_interval;
    return false;
  }
  note_removed(tracked, number);
  return true;
}

void XtablesFirewall::note_removed(Tracked& tracked, unsigned number) {
  const Rule& rule = tracked.open.rule;
  context_.log.info("Removed rule {} from {} with expire time of {}", number, chain(rule.slot).to_chain,
                    rule.expires_at_s);
  context_.journal.closed(tracked.open);
  tracked.next_try = MonotonicTime::max();
}

bool XtablesFirewall::remove_foreign(Slot slot, const ListedRule& listed, unsigned already_removed) {
  const ChainSpec& spec = chain(slot);
  const Words arguments{"-t", spec.table, "-D", spec.to_chain, fmt::format("{}", listed.number - already_removed)};
  const CommandResult result = call(dialect_.delete_name, arguments);
  if (!has_succeeded(result)) {
    report("rm_expired_rules", arguments, result);
    return false;
  }
  context_.log.info("Removed rule {} from {} with expire time of {}", listed.number, spec.to_chain,
                    listed.expires_at_s);
  return true;
}

/// What is due and not in the chain any more has been removed by somebody else.
void XtablesFirewall::forget_vanished(Slot slot) {
  const MonotonicTime now = context_.clock.monotonic();
  for (Tracked& tracked : rules_) {
    if (tracked.open.rule.slot != slot || tracked.open.due > now || tracked.is_seen) continue;
    debug(fmt::format("Did not find expire comment in rules list {}", number(slot)));
    context_.journal.closed(tracked.open);
    tracked.next_try = MonotonicTime::max();
  }
}

void XtablesFirewall::forget_closed() {
  std::erase_if(rules_, [](const Tracked& tracked) { return tracked.next_try == MonotonicTime::max(); });
}

}  // namespace latchkey::fwknopd
