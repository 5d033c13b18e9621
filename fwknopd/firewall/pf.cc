// SPDX-License-Identifier: GPL-2.0-or-later
// pf's commands.
#include "fwknopd/firewall/pf.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace latchkey::fwknopd {

Words PfFirewall::anchor(const Words& more) const {
  Words words{"-a", context_.settings.pf_anchor};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

bool PfFirewall::start(StartKind kind) {
  const auto anchors = call({"-s", "Anchor"});
  const bool is_active = std::ranges::any_of(lines_of(anchors.output), [this](std::string_view line) {
    return strip(line).ends_with(context_.settings.pf_anchor);
  });
  if (!is_active) {
    context_.log.warning("Warning: the {} anchor is not active in the pf policy", "fwknop");
    return false;
  }
  context_.journal.enter(place_of(context_.settings));
  if (kind == StartKind::fresh) flush();
  return true;
}

std::optional<std::string> PfFirewall::rules_of_anchor() {
  const auto listing = run(anchor({"-s", "rules"}));
  if (listing.is_success()) return listing.output;
  context_.log.warning("Could not execute command: {}", shown(anchor({"-s", "rules"})));
  return std::nullopt;
}

CommandResult PfFirewall::write_rules(const std::string& rules) {
  CommandResult result = run(anchor({"-f", "-"}), rules);
  if (!result.is_success()) context_.log.warning("Could not write rule to pf anchor");
  return result;
}

bool PfFirewall::replace_rules(const std::string& rules) {
  return (rules.empty() ? call(anchor({"-F", "all"})) : write_rules(rules)).is_success();
}

std::string PfFirewall::line_of(const Rule& rule) const {
  return fmt::format("pass in quick proto {} from {} to {} port {} keep state label _exp_{}\n",
                     static_cast<unsigned>(rule.service.protocol), net::format_ip_address(rule.allowed),
                     destination_or(rule, "any"), rule.service.port, rule.expires_at_s);
}

CommandResult PfFirewall::add(const OpenRule& open) {
  auto rules = rules_of_anchor();
  if (!rules) return {.code = -1, .exit_status = 0, .output = {}};
  if (!rules->empty() && !rules->ends_with('\n')) *rules += '\n';
  const Rule& rule = open.rule;
  CommandResult result = write_rules(*rules + line_of(rule));
  if (result.is_success()) {
    context_.log.info("Added Rule for {}, {} expires at {}", net::format_ip_address(rule.allowed), rule.services_text,
                      rule.expires_at_s);
  }
  return result;
}

/// pfctl shows a rule in its own words (`port = ssh`): only the expiry tells a line of ours. So all of them go, and
/// those that are not due come anew, in one write, which pf carries out as a whole.
bool PfFirewall::replace_lines(const std::vector<OpenRule>& rules) {
  const auto present = rules_of_anchor();
  if (!present) return false;
  std::string wanted;
  for (const auto line : lines_of(*present)) {
    const bool is_ours =
        std::ranges::any_of(rules, [line](const OpenRule& open) { return has_expiry(line, open.rule.expires_at_s); });
    if (!is_ours) wanted.append(line).append("\n");
  }
  for (const OpenRule& open : rules) {
    if (open.due > context_.clock.monotonic()) wanted += line_of(open.rule);
  }
  return wanted == *present || replace_rules(wanted);
}

void PfFirewall::restore(std::vector<OpenRule> rules) {
  const MonotonicTime now = context_.clock.monotonic();
  const bool is_done = replace_lines(rules);
  for (const OpenRule& open : rules) {
    if (is_done && open.due <= now) {
      context_.journal.closed(open);
    } else {
      track(open);
    }
  }
}

/// What others wrote into the anchor stays.
void PfFirewall::expire() {
  const auto due = due_rules();
  if (due.empty()) return;
  const auto rules = rules_of_anchor();
  if (!rules) return postpone(due);
  auto lines = lines_of(*rules);
  std::vector<std::int64_t> deleted;
  for (const Tracked* tracked : due) {
    const auto line = std::ranges::find_if(
        lines, [&](std::string_view text) { return has_expiry(text, tracked->open.rule.expires_at_s); });
    if (line == lines.end()) {
      context_.log.error("Did not find expire comment in rules list 0.");
      continue;
    }
    lines.erase(line);
    deleted.push_back(tracked->open.rule.expires_at_s);
  }
  std::string rest;
  for (const auto line : lines) rest.append(line).append("\n");
  if (!deleted.empty() && !replace_rules(rest)) return postpone(due);
  for (const std::int64_t time : deleted) context_.log.info("Deleting rule with expire time of {}.", time);
  for (Tracked* tracked : due) close(*tracked);
  forget_closed();
}

bool PfFirewall::flush() { return call(anchor({"-F", "all"})).is_success(); }

void PfFirewall::stop() {
  if (!flush()) return;
  context_.journal.leave(place_of(context_.settings));
  close_all();
}

void PfFirewall::list(bool) {
  static_cast<void>(write_all(1, fmt::format("Listing fwknopd pf rules...\n\nActive Rules in PF anchor '{}':\n{}",
                                             context_.settings.pf_anchor, run(anchor({"-s", "rules"})).output)));
}

}  // namespace latchkey::fwknopd
