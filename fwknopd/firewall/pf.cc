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

CommandResult PfFirewall::add(const OpenRule& open) {
  auto rules = rules_of_anchor();
  if (!rules) return {.code = -1, .exit_status = 0, .output = {}};
  if (!rules->empty() && !rules->ends_with('\n')) *rules += '\n';
  const Rule& rule = open.rule;
  const std::string allowed = net::format_ip_address(rule.allowed);
  *rules += fmt::format("pass in quick proto {} from {} to {} port {} keep state label _exp_{}\n",
                        static_cast<unsigned>(rule.service.protocol), allowed, destination_or(rule, "any"),
                        rule.service.port, rule.expires_at_s);
  CommandResult result = write_rules(*rules);
  if (result.is_success())
    context_.log.info("Added Rule for {}, {} expires at {}", allowed, rule.services_text, rule.expires_at_s);
  return result;
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
  const bool is_written =
      deleted.empty() || (rest.empty() ? call(anchor({"-F", "all"})).is_success() : write_rules(rest).is_success());
  if (!is_written) return postpone(due);
  for (const std::int64_t time : deleted) context_.log.info("Deleting rule with expire time of {}.", time);
  for (Tracked* tracked : due) close(*tracked);
  forget_closed();
}

void PfFirewall::flush() { call(anchor({"-F", "all"})); }

void PfFirewall::stop() {
  flush();
  close_all();
}

void PfFirewall::list(bool) {
  static_cast<void>(write_all(1, fmt::format("Listing fwknopd pf rules...\n\nActive Rules in PF anchor '{}':\n{}",
                                             context_.settings.pf_anchor, run(anchor({"-s", "rules"})).output)));
}

}  // namespace latchkey::fwknopd
