// SPDX-License-Identifier: GPL-2.0-or-later
// The common part of ipfw and pf.
#include "fwknopd/firewall/tracking.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace latchkey::fwknopd {

TrackingFirewall::TrackingFirewall(const FirewallContext& context) : context_(context) {
  for (const auto word : split(context.settings.exe, ' ')) {
    if (!word.empty()) program_.emplace_back(word);
  }
}

CommandResult TrackingFirewall::run(const Words& arguments, const std::string& input) {
  Words argv = program_;
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return context_.runner.run(argv, input);
}

std::string TrackingFirewall::shown(const Words& arguments) const {
  return context_.settings.exe + " " + join(arguments);
}

CommandResult TrackingFirewall::call(const Words& arguments, const std::string& input) {
  CommandResult result = run(arguments, input);
  if (!result.is_success()) {
    context_.log.write(log::Level::error, fmt::format("Error {} from cmd:'{}': {}", result.error_number(),
                                                      shown(arguments), strip_right(result.output)));
  }
  return result;
}

void TrackingFirewall::open(const Stanza&, const Grant& grant) {
  if (grant.kind == RequestKind::local_nat) {
    context_.log.warning("Local NAT requests are not currently supported.");
    return;
  }
  if (grant.kind == RequestKind::forward_nat) {
    context_.log.warning("Forwarding/NAT requests are not currently supported.");
    return;
  }
  for (const Service& service : grant.services) {
    OpenRule open;
    open.rule.allowed = grant.allowed;
    if (context_.settings.destination_rule) open.rule.destination = grant.destination;
    open.rule.service = service;
    open.rule.expires_at_s = grant.expires_at_s;
    open.rule.services_text = format_services(grant.services);
    open.due = grant.due;
    if (!make(std::move(open))) return;
  }
}

bool TrackingFirewall::make(OpenRule open) {
  if (!prepare(open) || !context_.journal.opening(open)) return false;
  const CommandResult result = add(open);
  // What may be there is looked for when it is due.
  if (result.is_success() || result.is_unknown()) {
    track(open);
  } else {
    context_.journal.closed(open);
  }
  return result.is_success();
}

void TrackingFirewall::make_again(const OpenRule& open) {
  make(open);
  context_.journal.closed(open);
}

std::optional<MonotonicTime> TrackingFirewall::next_due() const {
  const auto first = std::ranges::min_element(rules_, {}, &Tracked::next_try);
  return first == rules_.end() ? std::nullopt : std::optional(first->next_try);
}

std::vector<OpenRule> TrackingFirewall::release() {
  std::vector<OpenRule> rules;
  for (Tracked& tracked : rules_) rules.push_back(std::move(tracked.open));
  rules_.clear();
  return rules;
}

std::vector<TrackingFirewall::Tracked*> TrackingFirewall::due_rules() {
  const MonotonicTime now = context_.clock.monotonic();
  std::vector<Tracked*> due;
  for (Tracked& tracked : rules_) {
    if (tracked.next_try <= now) due.push_back(&tracked);
  }
  return due;
}

void TrackingFirewall::close(Tracked& tracked) {
  context_.journal.closed(tracked.open);
  tracked.next_try = MonotonicTime::max();
}

void TrackingFirewall::forget_closed() {
  std::erase_if(rules_, [](const Tracked& tracked) { return tracked.next_try == MonotonicTime::max(); });
}

void TrackingFirewall::close_all() {
  for (Tracked& tracked : rules_) close(tracked);
  rules_.clear();
}

void TrackingFirewall::postpone(const std::vector<Tracked*>& rules) {
  for (Tracked* tracked : rules) tracked->next_try = context_.clock.monotonic() + retry_interval;
}

std::string TrackingFirewall::destination_or(const Rule& rule, const char* otherwise) const {
  return rule.destination ? net::format_ip_address(*rule.destination) : std::string(otherwise);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  std::erase_if(lines, [](std::string_view line) { return strip(line).empty(); });
  return lines;
}

bool has_expiry(std::string_view line, std::int64_t expires_at_s) {
  const std::string comment = fmt::format("_exp_{}", expires_at_s);
  const auto at = line.find(comment);
  if (at == std::string_view::npos) return false;
  const auto after = line.substr(at + comment.size());
  return after.empty() || !is_digit(after.front());
}

}  // namespace latchkey::fwknopd
