// SPDX-License-Identifier: GPL-2.0-or-later
// QueueRules: chain, jump and rule that fill the netfilter queue with SPA packets (spec/fwknopd-runtime.md 1.9).
#pragma once
#include "common/log/logger.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/firewall/command_runner.h"
#include "fwknopd/firewall/firewall.h"
#include "fwknopd/firewall/xtables.h"

namespace latchkey::fwknopd {

class QueueRules {
 public:
  /// `log`, `runner` and `journal` outlive this object.
  QueueRules(const FirewallSettings& firewall, const QueueSettings& queue, log::Logger& log, CommandRunner& runner,
             RuleJournal& journal);

  /// What an earlier process left goes first. False: a line says why, and nothing is left.
  bool start();
  /// By specification: another program's rule may stand where our jump was.
  void remove();

 private:
  std::vector<Words> commands() const;
  CommandResult call(const char* function, const Words& arguments);

  QueueSettings queue_;
  FirewallKind kind_;
  log::Logger& log_;
  CommandRunner& runner_;
  RuleJournal& journal_;
  XtablesDialect dialect_;
  XtablesVersion version_;
  RulePlace place_;
};

}  // namespace latchkey::fwknopd
