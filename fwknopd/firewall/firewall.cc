// SPDX-License-Identifier: GPL-2.0-or-later
// Choice of the back-end, and the verbs that need no daemon.
#include "fwknopd/firewall/firewall.h"

#include <filesystem>

#include "fwknopd/firewall/ipfw.h"
#include "fwknopd/firewall/pf.h"
#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {
namespace {

class NoJournal final : public RuleJournal {
 public:
  bool opening(OpenRule&) override { return true; }
  void closed(const OpenRule&) override {}
};

/// What a verb needs for one use of a back-end.
struct Verb {
  explicit Verb(const FirewallUse& firewall_use) : use(firewall_use), runner(use.log, use.verbosity) {}
  const FirewallUse& use;
  SystemClock clock;
  SystemRunner runner;
  NoJournal journal;
  FirewallContext context() { return {use.settings, use.stanzas, use.log, clock, runner, journal}; }
};

}  // namespace

std::unique_ptr<Firewall> make_firewall(const FirewallContext& context) {
  switch (context.settings.kind) {
    case FirewallKind::ipfw:
      return std::make_unique<IpfwFirewall>(context);
    case FirewallKind::pf:
      return std::make_unique<PfFirewall>(context);
    case FirewallKind::iptables:
    case FirewallKind::firewalld:
      break;
  }
  return std::make_unique<XtablesFirewall>(context);
}

bool share_rules(const FirewallSettings& now, const FirewallSettings& then) {
  if (now.kind != then.kind || now.exe != then.exe) return false;
  switch (now.kind) {
    case FirewallKind::ipfw:
      return now.ipfw_active_set == then.ipfw_active_set;
    case FirewallKind::pf:
      return now.pf_anchor == then.pf_anchor;
    case FirewallKind::iptables:
    case FirewallKind::firewalld:
      break;
  }
  return true;
}

std::string find_restore_program(const std::string& exe) {
  // One file with many names, as iptables has it: then both work on the same tables.
  const std::string restore = exe + "-restore";
  std::error_code error;
  const auto target = std::filesystem::canonical(restore, error);
  if (error || target != std::filesystem::canonical(exe, error) || error) return {};
  return restore;
}

void list_firewall(const FirewallUse& use, bool is_everything) {
  Verb verb(use);
  make_firewall(verb.context())->list(is_everything);
}

bool remove_rules(const FirewallUse& use) {
  Verb verb(use);
  return make_firewall(verb.context())->flush();
}

}  // namespace latchkey::fwknopd
