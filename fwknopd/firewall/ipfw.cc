// SPDX-License-Identifier: GPL-2.0-or-later
// ipfw's commands.
#include "fwknopd/firewall/ipfw.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

std::string text_of(unsigned number) { return fmt::format("{}", number); }

/// The number at the start of a line, zeros in front allowed.
std::optional<unsigned> number_in(std::string_view line) {
  line = strip_left(line);
  return parse_number<unsigned>(line.substr(0, line.find_first_of(" \t")));
}

bool shows(const std::vector<std::string_view>& listing, const OpenRule& open) {
  return std::ranges::any_of(listing, [&](std::string_view line) {
    return number_in(line) == open.number && has_expiry(line, open.rule.expires_at_s);
  });
}

void print(const std::string& text) { static_cast<void>(write_all(1, text)); }

}  // namespace

bool IpfwFirewall::is_ours(unsigned number) const {
  const auto& settings = context_.settings;
  return number >= settings.ipfw_start_rule && number - settings.ipfw_start_rule < settings.ipfw_max_rules;
}

bool IpfwFirewall::start(StartKind kind) {
  const auto& settings = context_.settings;
  context_.journal.enter(place_of(settings));
  const bool flushes = kind == StartKind::fresh && settings.flush_at_init;
  if (flushes) {
    flush();
  } else {
    read_active();
  }
  if (settings.ipfw_add_check_state) {
    const std::string active = text_of(settings.ipfw_active_set);
    const std::string number = text_of(settings.ipfw_start_rule);
    if (kind == StartKind::fresh) {
      if (!call({"add", number, "set", active, "check-state"}).is_success()) return false;
      context_.log.info("Added check-state rule {} to set {}", number, active);
    }
    used_.insert(settings.ipfw_start_rule);
  }
  if (settings.ipfw_expire_set == 0) return true;
  if (flushes) {
    if (!call({"set", "disable", text_of(settings.ipfw_expire_set)}).is_success()) return false;
    context_.log.info("Set ipfw expire set {} to disabled.", settings.ipfw_expire_set);
  }
  read_expired();
  return true;
}

/// Numbers of the active set are taken, whoever has made its rules.
void IpfwFirewall::read_active() {
  const auto listing = call({"set", text_of(context_.settings.ipfw_active_set), "list"});
  for (const auto line : lines_of(listing.output)) {
    if (const auto number = number_in(line); number && is_ours(*number)) used_.insert(*number);
  }
}

/// Numbers in the expire set are taken until their connections have ended.
void IpfwFirewall::read_expired() {
  const auto listing = call({"-S", "set", text_of(context_.settings.ipfw_expire_set), "list"});
  constexpr std::string_view disabled = "# DISABLED ";
  for (const auto line : lines_of(listing.output)) {
    const auto at = line.find(disabled);
    const auto number = at == std::string_view::npos ? number_in(line) : number_in(line.substr(at + disabled.size()));
    if (!number) {
      context_.log.warning("fw_initialize: No rule number found where expected.");
    } else if (is_ours(*number)) {
      used_.insert(*number);
      expired_.insert(*number);
    }
  }
}

/// When ipfw gives no answer, the rules count as there: each is looked for when it is due.
void IpfwFirewall::restore(std::vector<OpenRule> rules) {
  const auto listing = call({"set", text_of(context_.settings.ipfw_active_set), "list"});
  const auto lines = lines_of(listing.output);
  std::vector<OpenRule> missing;
  for (const OpenRule& open : rules) {
    if (listing.is_success() && !shows(lines, open)) {
      missing.push_back(open);
      continue;
    }
    used_.insert(open.number);
    track(open);
  }
  for (const OpenRule& open : missing) {
    if (open.due > context_.clock.monotonic()) {
      make_again(open);
    } else {
      context_.journal.closed(open);
    }
  }
}

std::optional<unsigned> IpfwFirewall::free_number() const {
  const auto& settings = context_.settings;
  for (unsigned i = 0; i < settings.ipfw_max_rules; ++i) {
    if (!used_.contains(settings.ipfw_start_rule + i)) return settings.ipfw_start_rule + i;
  }
  return std::nullopt;
}

bool IpfwFirewall::prepare(OpenRule& open) {
  const auto number = free_number();
  if (!number) {
    context_.log.warning("Access request rejected: Maximum allowed number of rules has been reached.");
    return false;
  }
  open.number = *number;
  return true;
}

CommandResult IpfwFirewall::add(const OpenRule& open) {
  const Rule& rule = open.rule;
  const std::string allowed = net::format_ip_address(rule.allowed);
  const Words arguments{"add",      text_of(open.number),
                        "set",      text_of(context_.settings.ipfw_active_set),
                        "pass",     text_of(static_cast<unsigned>(rule.service.protocol)),
                        "from",     allowed,
                        "to",       destination_or(rule, "me"),
                        "dst-port", text_of(rule.service.port),
                        "setup",    "keep-state",
                        "//",       fmt::format("_exp_{}", rule.expires_at_s)};
  CommandResult result = call(arguments);
  if (result.is_success() || result.is_unknown()) used_.insert(open.number);
  if (!result.is_success()) return result;
  context_.log.info("Added Rule {} for {}, {} expires at {}", open.number, allowed, rule.services_text,
                    rule.expires_at_s);
  return result;
}

std::optional<MonotonicTime> IpfwFirewall::next_due() const {
  const auto due = TrackingFirewall::next_due();
  if (expired_.empty()) return due;
  return due ? std::min(*due, next_purge_) : next_purge_;
}

void IpfwFirewall::expire() {
  move_due();
  if (!expired_.empty() && next_purge_ <= context_.clock.monotonic()) purge();
}

/// The firewall keeps the connections of a moved rule alive; nothing new gets in.
void IpfwFirewall::move_due() {
  const auto due = due_rules();
  if (due.empty()) return;
  const std::string expire_set = text_of(context_.settings.ipfw_expire_set);
  const auto listing = call({"set", text_of(context_.settings.ipfw_active_set), "list"});
  if (!listing.is_success()) return postpone(due);
  const auto lines = lines_of(listing.output);
  for (Tracked* tracked : due) {
    const OpenRule& open = tracked->open;
    if (!shows(lines, open)) {
      context_.log.error("Did not find expire comment in rules list 0.");
      used_.erase(open.number);
      close(*tracked);
    } else if (call({"set", "move", "rule", text_of(open.number), "to", expire_set}).is_success()) {
      context_.log.info("Moved rule {} with expire time of {} to set {}.", open.number, open.rule.expires_at_s,
                        expire_set);
      if (expired_.empty()) {
        next_purge_ = context_.clock.monotonic() + context_.settings.ipfw_expire_purge_interval;
      }
      expired_.insert(open.number);
      close(*tracked);
    } else {
      postpone({tracked});
    }
  }
  forget_closed();
}

void IpfwFirewall::purge() {
  next_purge_ = context_.clock.monotonic() + context_.settings.ipfw_expire_purge_interval;
  const std::string expire_set = text_of(context_.settings.ipfw_expire_set);
  const auto listing = call({"-d", "set", expire_set, "list"});
  if (!listing.is_success()) return;
  const auto heading = listing.output.find("Dynamic rules");
  if (heading == std::string::npos) {
    context_.log.error("Unexpected error: did not find 'Dynamic rules' string in list output.");
    return;
  }
  std::set<unsigned> in_use;
  const auto dynamic = std::string_view(listing.output).substr(heading);
  for (const auto line : lines_of(dynamic)) {
    if (const auto number = number_in(line)) in_use.insert(*number);
  }
  for (auto it = expired_.begin(); it != expired_.end();) {
    const unsigned number = *it;
    if (in_use.contains(number) || !call({"set", expire_set, "delete", text_of(number)}).is_success()) {
      ++it;
      continue;
    }
    context_.log.info("Purged rule {} from set {}", number, expire_set);
    used_.erase(number);
    it = expired_.erase(it);
  }
}

bool IpfwFirewall::flush() {
  const std::string active = text_of(context_.settings.ipfw_active_set);
  const auto listing = call({"set", active, "list"});
  if (!listing.is_success()) return false;
  return lines_of(listing.output).empty() || call({"delete", "set", active}).is_success();
}

void IpfwFirewall::stop() {
  if (!context_.settings.flush_at_exit || !flush()) return;
  context_.journal.leave(place_of(context_.settings));
  close_all();
}

void IpfwFirewall::list(bool is_everything) {
  if (is_everything) {
    print("Listing all ipfw rules...\n" + run({"list"}).output);
    return;
  }
  const auto rules_in = [this](unsigned set) { return run({"-d", "-S", "-T", "set", text_of(set), "list"}).output; };
  print("Listing fwknopd ipfw rules...\n\nActive Rules:\n" + rules_in(context_.settings.ipfw_active_set));
  print("\nExpired Rules:\n" + rules_in(context_.settings.ipfw_expire_set));
}

}  // namespace latchkey::fwknopd
