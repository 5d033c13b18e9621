// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of QueueRules.
#include "fwknopd/firewall/queue_rules.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

/// More jumps than anybody has; ends the loop when iptables claims to delete and does not.
constexpr int most_jumps = 1000;

}  // namespace

QueueRules::QueueRules(const FirewallSettings& firewall, const QueueSettings& queue, log::Logger& log,
                       CommandRunner& runner, RuleJournal& journal)
    : queue_(queue),
      kind_(firewall.kind),
      log_(log),
      runner_(runner),
      journal_(journal),
      dialect_(xtables_dialect(firewall)),
      version_(find_out_version(kind_, dialect_, runner)),
      place_(place_of(firewall, queue)) {}

std::vector<Words> QueueRules::commands() const {
  const Words table{"-t", queue_.table};
  const auto in_table = [&](std::initializer_list<std::string> more) {
    Words words = table;
    words.insert(words.end(), more);
    return words;
  };
  Words rule = in_table({"-A", queue_.chain});
  if (!queue_.interface.empty()) rule.insert(rule.end(), {"-i", queue_.interface});
  rule.insert(rule.end(), {"-p", "udp", "-m", "udp", "--dport", fmt::format("{}", queue_.port), "-j", "NFQUEUE",
                           "--queue-num", fmt::format("{}", queue_.number)});
  return {in_table({"-N", queue_.chain}), in_table({"-I", "INPUT", "1", "-j", queue_.chain}), std::move(rule)};
}

CommandResult QueueRules::call(const char* function, const Words& arguments) {
  Words argv = dialect_.prefix;
  if (version_.needs_wait) argv.emplace_back("-w");
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const CommandResult result = runner_.run(argv);
  if (log_.shows(log::Level::debug)) {
    log_.info("{}() CMD: '{} {}' (res: {}, err: {})", function, dialect_.shown, join(arguments), result.code,
              strip_right(result.output));
  }
  return result;
}

bool QueueRules::start() {
  if (kind_ == FirewallKind::ipfw || kind_ == FirewallKind::pf) {
    log_.error("[*] NFQ capture needs iptables or firewalld, not {}", name_of(kind_));
    return false;
  }
  remove();
  journal_.enter(place_);
  for (const Words& arguments : commands()) {
    const CommandResult result = call("create_fw_chains", arguments);
    if (has_succeeded(result)) continue;
    log_.error("Error {} from cmd:'{} {}': {}", result.error_number(), dialect_.shown, join(arguments),
               strip_right(result.output));
    remove();
    return false;
  }
  return true;
}

void QueueRules::remove() {
  const char* const function = "delete_all_chains";
  for (int count = 0; count < most_jumps; ++count) {
    if (!has_succeeded(call(function, {"-t", queue_.table, "-D", "INPUT", "-j", queue_.chain}))) break;
  }
  Words arguments{"-t", queue_.table, "-F", queue_.chain};
  CommandResult result = call(function, arguments);
  const bool is_emptied = has_succeeded(result);
  if (is_emptied) {
    arguments[2] = "-X";
    result = call(function, arguments);
  }
  // A chain that is not there is no error: it may have been flushed by hand.
  if (has_succeeded(result) || (!is_emptied && is_refusal(result))) return journal_.leave(place_);
  log_.error("Error {} from cmd:'{} {}': {}", result.error_number(), dialect_.shown, join(arguments),
             strip_right(result.output));
}

}  // namespace latchkey::fwknopd
