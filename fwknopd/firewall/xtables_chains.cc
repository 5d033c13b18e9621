// SPDX-License-Identifier: GPL-2.0-or-later
// Chains and jumps of the iptables back-end: start-up, flush, listing (spec/fwknopd-runtime.md 4.1, 4.5).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {
namespace {

/// More jumps than anybody has; ends the loop when iptables claims to delete and does not.
constexpr int most_jumps = 1000;
constexpr int most_tries = 3;
constexpr int not_run = -1;          // CommandResult::code
constexpr int out_of_resources = 4;  // exit status of iptables

Words probe_rule(const ChainSpec& chain) { return {"-s", "127.0.0.2", "-p", "udp", "-j", chain.target}; }
Words comment_probe_rule(const ChainSpec& chain) {
  return {"-s", "127.0.0.2", "-m", "comment", "--comment", "__TMPCOMMENT__", "-j", chain.target};
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void print(std::string_view text) { static_cast<void>(write_all(1, text)); }

}  // namespace

XtablesDialect xtables_dialect(const FirewallSettings& settings) {
  Words prefix;
  for (const auto word : split(settings.exe, ' ')) {
    if (!word.empty()) prefix.emplace_back(word);
  }
  if (settings.kind == FirewallKind::firewalld) {
    prefix.insert(prefix.end(), {"--direct", "--passthrough", "ipv4"});
    return {prefix, join(prefix) + " ", "firewalld", "firewd_chk_support", "fw_output_buf", "check_firewall_rules"};
  }
  return {prefix, join(prefix), "iptables", "ipt_chk_support", "ipt_output_buf", "rm_expired_rules"};
}

bool has_succeeded(const CommandResult& result) {
  return result.is_success() && result.output.find("COMMAND_FAILED") == std::string::npos;
}

bool is_refusal(const CommandResult& result) {
  return result.code == 0 && (result.exit_status == 1 || result.output.find("COMMAND_FAILED") != std::string::npos);
}

/// The legacy tables have a lock that another program may hold; -w waits for it.
XtablesVersion find_out_version(FirewallKind kind, const XtablesDialect& dialect, CommandRunner& runner) {
  if (kind != FirewallKind::iptables) return {};
  const std::string version = runner.run(dialect.prefix + Words{"-V"}).output;
  const bool is_iptables = version.find("iptables v") != std::string::npos;
  const bool is_nftables = is_iptables && version.find("nf_tables") != std::string::npos;
  return {is_nftables, is_iptables && !is_nftables};
}

XtablesFirewall::XtablesFirewall(const FirewallContext& context)
    : context_(context),
      dialect_(xtables_dialect(context.settings)),
      slots_(active_slots(context.settings, context.stanzas)) {}

CommandResult XtablesFirewall::run(const Words& arguments) {
  Words argv = dialect_.prefix;
  if (version_.needs_wait) argv.emplace_back("-w");
  return context_.runner.run(argv + arguments);
}

/// Runs, with the debug line that the peers' suites read.
CommandResult XtablesFirewall::call(const char* function, const Words& arguments) {
  const CommandResult result = run(arguments);
  debug(fmt::format("{}() CMD: '{}' (res: {}, err: {})", function, shown(arguments), result.code,
                    strip_right(result.output)));
  return result;
}

/// The same, tried more than once where nothing was said about what is there.
CommandResult XtablesFirewall::insist(const char* function, const Words& arguments) {
  CommandResult result;
  for (int count = 0; count < most_tries; ++count) {
    result = call(function, arguments);
    if (result.code != not_run && result.exit_status != out_of_resources) break;
  }
  return result;
}

void XtablesFirewall::report(const char* function, const Words& arguments, const CommandResult& result) {
  context_.log.write(log::Level::error, fmt::format("{}() Error {} from cmd:'{}': {}", function, result.error_number(),
                                                    shown(arguments), strip_right(result.output)));
}

void XtablesFirewall::debug(const std::string& text) {
  if (is_debug()) context_.log.write(log::Level::debug, text);
}

void XtablesFirewall::look_at_version() {
  if (std::exchange(is_version_known_, true)) return;
  version_ = find_out_version(context_.settings.kind, dialect_, context_.runner);
}

bool XtablesFirewall::start(StartKind kind) {
  look_at_version();
  if (context_.settings.rule_check_support) probe_check_support();
  const std::vector<Slot> made = make_missing_chains();
  if (kind == StartKind::fresh && context_.settings.flush_at_init) {
    for (const Slot slot : slots_) {
      // Two slots may share a chain.
      const auto is_its_chain = [&](Slot other) {
        return chain(other).table == chain(slot).table && chain(other).to_chain == chain(slot).to_chain;
      };
      if (std::ranges::none_of(made, is_its_chain)) delete_chain(slot);
    }
  }
  bool is_complete = true;
  for (const Slot slot : slots_) {
    const bool is_made = std::ranges::find(made, slot) != made.end();
    if (!(is_made ? add_jump(slot) : create_chain(slot))) is_complete = false;
  }
  if (kind == StartKind::fresh && context_.settings.comment_check) {
    // The jump is there, so it is not the chain that -C misses.
    if (!(is_complete && comment_match_is_known()) && !comment_match_works()) {
      context_.log.warning("Warning: Could not use the 'comment' match");
      return false;
    }
    context_.log.info("{} 'comment' match is available", dialect_.name);
  }
  if (!is_complete) {
    context_.log.warning("fw_initialize() Warning: Errors detected during fwknop custom chain creation");
  }
  return is_complete;
}

/// Without debug lines to keep in their order: a chain that can be made was not there, so nothing jumps to it and
/// nothing has to be looked for or deleted. The slots of those that were made now.
std::vector<Slot> XtablesFirewall::make_missing_chains() {
  std::vector<Slot> made;
  if (is_debug()) return made;
  std::ranges::copy_if(slots_, std::back_inserter(made), [this](Slot slot) {
    context_.journal.enter(place_of(context_.settings, chain(slot)));
    return has_succeeded(run({"-t", chain(slot).table, "-N", chain(slot).to_chain}));
  });
  return made;
}

void XtablesFirewall::probe_check_support() {
  // The nftables flavour came long after -C (1.4.11): three programs fewer at the start.
  can_check_ = version_.is_nftables && !is_debug();
  if (can_check_) return;
  const ChainSpec& input = chain(Slot::input);
  const Words table{"-t", input.table};
  call(dialect_.probe_name, table + Words{"-I", input.from_chain, "1"} + probe_rule(input));
  can_check_ = has_succeeded(call(dialect_.probe_name, table + Words{"-C", input.from_chain} + probe_rule(input)));
  // By specification: another program's rule may stand at position 1 by now (8, S20).
  call(dialect_.probe_name, table + Words{"-D", input.from_chain} + probe_rule(input));
  debug(fmt::format("{}() -C {}", dialect_.probe_name, can_check_ ? "supported" : "not supported"));
}

bool XtablesFirewall::chain_exists(Slot slot) {
  return has_succeeded(call("chain_exists", {"-t", chain(slot).table, "-L", chain(slot).to_chain, "-n"}));
}

bool XtablesFirewall::jump_exists(Slot slot) {
  const ChainSpec& spec = chain(slot);
  bool is_found = false;
  if (can_check_) {
    is_found = has_succeeded(
        insist("rule_exists_chk_support", {"-C", spec.from_chain, "-t", spec.table, "-j", spec.to_chain}));
  } else {
    const auto listing =
        call("jump_rule_exists_no_chk_support", {"-t", spec.table, "-L", spec.from_chain, "--line-numbers", "-n"});
    is_found = listing.output.find(fmt::format(" {} ", spec.to_chain)) != std::string::npos;
  }
  debug(fmt::format("jump_rule_exists_{}() jump rule {}", can_check_ ? "chk_support" : "no_chk_support",
                    is_found ? "found" : "not found"));
  return is_found;
}

bool XtablesFirewall::add_jump(Slot slot) {
  const ChainSpec& spec = chain(slot);
  const Words arguments{"-t", spec.table,   "-I", spec.from_chain, fmt::format("{}", spec.jump_position),
                        "-j", spec.to_chain};
  const CommandResult result = call("add_jump_rule", arguments);
  if (!has_succeeded(result)) {
    report("add_jump_rule", arguments, result);
    return false;
  }
  context_.log.info("Added jump rule from chain: {} to chain: {}", spec.from_chain, spec.to_chain);
  return true;
}

bool XtablesFirewall::create_chain(Slot slot) {
  const ChainSpec& spec = chain(slot);
  context_.journal.enter(place_of(context_.settings, spec));
  const Words arguments{"-t", spec.table, "-N", spec.to_chain};
  // Without debug lines to keep in their order: first try, then look.
  const bool is_made = !is_debug() && has_succeeded(run(arguments));
  if (!is_made && !chain_exists(slot)) {
    const CommandResult result = call("create_chain", arguments);
    if (!has_succeeded(result)) {
      report("create_chain", arguments, result);
      return false;
    }
  }
  debug(fmt::format("'{}' table '{}' chain exists", spec.table, spec.to_chain));
  return jump_exists(slot) || add_jump(slot);
}

/// Before a rule: somebody may have deleted the chain behind our back. A jump to it is proof that it is there.
bool XtablesFirewall::ensure_chain(Slot slot) {
  if (is_debug()) return create_chain(slot);
  if (is_untouched(slot)) return true;
  const auto changes = count_changes();  // before the look: what changes meanwhile makes the next grant look again
  const bool is_there = jump_exists(slot) || create_chain(slot);
  if (is_there && changes) seen_at_[slot] = *changes;
  return is_there;
}

std::optional<std::uint64_t> XtablesFirewall::count_changes() const {
  return version_.is_nftables && context_.count_changes ? context_.count_changes() : std::nullopt;
}

bool XtablesFirewall::is_untouched(Slot slot) {
  const auto seen = seen_at_.find(slot);
  const auto now = count_changes();
  if (is_debug() || seen == seen_at_.end() || !now) return false;
  if (seen->second != *now && !removal_) context_.on_foreign_change();
  return seen->second == *now;
}

/// What was known after `before` changes is known after `now`, because all changes between were ours.
void XtablesFirewall::keep_known(std::uint64_t before, std::uint64_t now) {
  for (auto* changes : {&seen_at_, &known_at_}) {
    for (auto& [slot, at] : *changes) {
      if (at >= before) at = now;
    }
  }
}

CommandResult XtablesFirewall::change(const Words& arguments) {
  const auto before = count_changes();
  const CommandResult result = run(arguments);
  const auto after = count_changes();
  if (!before || !after) return result;
  if (removal_) {
    // Whose changes these are is known when the other program has ended.
    if (result.is_success()) ++removal_->changes_meanwhile;
    return result;
  }
  if (*after > *before + 1) context_.on_foreign_change();
  if (*after == *before + 1) keep_known(*before, *after);
  return result;
}

/// Loading the match, iptables-nft asks the kernel for it; then it misses the rule. That spares a deletion, after which
/// iptables waits for the kernel's grace period (15 ms of a start).
bool XtablesFirewall::comment_match_is_known() {
  if (!version_.is_nftables || is_debug()) return false;
  const ChainSpec& input = chain(Slot::input);
  const CommandResult looked = run(Words{"-t", input.table, "-C", input.from_chain} + comment_probe_rule(input));
  return looked.code == 0 && looked.exit_status == 1 && looked.output.find("Bad rule") != std::string::npos;
}

bool XtablesFirewall::comment_match_works() {
  const ChainSpec& input = chain(Slot::input);
  const Words table{"-t", input.table};
  const Words insert = table + Words{"-I", input.from_chain, "1"} + comment_probe_rule(input);
  const CommandResult inserted = call("comment_match_exists", insert);
  if (!has_succeeded(inserted)) {
    if (inserted.code != 0) report("comment_match_exists", insert, inserted);
    return false;
  }
  const auto listing = call("comment_match_exists", table + Words{"-L", input.from_chain, "--line-numbers", "-n"});
  const bool is_seen = listing.output.find("__TMPCOMMENT__") != std::string::npos;
  call("comment_match_exists", table + Words{"-D", input.from_chain} + comment_probe_rule(input));
  return is_seen;
}

/// False: rules may be left in it.
bool XtablesFirewall::delete_chain(Slot slot) {
  const ChainSpec& spec = chain(slot);
  for (int count = 0; jump_exists(slot); ++count) {
    if (count == most_jumps) {
      context_.log.error("delete_all_chains() gave up: after {} deletions there is still a jump from chain: {} to: {}",
                         count, spec.from_chain, spec.to_chain);
      break;
    }
    const Words arguments{"-t", spec.table, "-D", spec.from_chain, "-j", spec.to_chain};
    const CommandResult result = insist("delete_all_chains", arguments);
    if (!has_succeeded(result)) {
      report("delete_all_chains", arguments, result);
      break;
    }
  }
  Words arguments{"-t", spec.table, "-F", spec.to_chain};
  CommandResult result = insist("delete_all_chains", arguments);
  const bool is_emptied = has_succeeded(result);
  if (is_emptied) {
    arguments[2] = "-X";
    result = insist("delete_all_chains", arguments);
  }
  // A chain that is not there is no error: it may have been flushed by hand.
  const bool is_gone = has_succeeded(result) || (!is_emptied && is_refusal(result));
  if (is_gone) {
    context_.journal.leave(place_of(context_.settings, spec));
  } else {
    report("delete_all_chains", arguments, result);
  }
  return is_emptied || is_gone;
}

bool XtablesFirewall::flush() {
  look_at_version();
  return std::ranges::count_if(slots_, [this](Slot slot) { return !delete_chain(slot); }) == 0;
}

/// Rules in a chain that could not be emptied stay in the journal: the next start looks for them.
void XtablesFirewall::stop() {
  removal_.reset();
  if (!context_.settings.flush_at_exit) return;
  for (const Slot slot : slots_) {
    if (!delete_chain(slot)) continue;
    for (const Tracked& tracked : rules_) {
      if (tracked.open.rule.slot == slot) context_.journal.closed(tracked.open);
    }
  }
  rules_.clear();
}

void XtablesFirewall::list(bool is_everything) {
  look_at_version();
  print(is_everything ? fmt::format("Listing all {} rules in applicable tables...\n", dialect_.name)
                      : fmt::format("Listing rules in fwknopd {} chains...\n", dialect_.name));
  for (const Slot slot : slots_) {
    const ChainSpec& spec = chain(slot);
    const Words arguments = is_everything ? Words{"-t", spec.table, "-v", "-n", "-L", "--line-numbers"}
                                          : Words{"-t", spec.table, "-L", spec.to_chain, "--line-numbers", "-n"};
    const CommandResult result = run(arguments);
    print("\n" + result.output);
    debug(fmt::format("fw_dump_rules() CMD: '{}' (res: {})", shown(arguments), result.code));
    if (result.code != 0) report("fw_dump_rules", arguments, result);
  }
}

}  // namespace latchkey::fwknopd
