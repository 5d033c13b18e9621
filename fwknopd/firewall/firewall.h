// SPDX-License-Identifier: GPL-2.0-or-later
// Firewall: what the monitor asks of a back-end, whichever program stands behind it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/log/logger.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"
#include "fwknopd/firewall/command_runner.h"
#include "fwknopd/firewall/grant.h"
#include "fwknopd/firewall/place.h"
#include "fwknopd/firewall/rule.h"

namespace latchkey::fwknopd {

/// A rule that this daemon made and has to take back.
struct OpenRule {
  std::uint64_t id = 0;  ///< in the journal
  Rule rule;
  MonotonicTime due;
  unsigned number = 0;  ///< ipfw's rule number
};

/// Remembers rules, and where they stand, beyond the life of the process. Both are written before they are made
/// (DESIGN, rule 6).
class RuleJournal {
 public:
  virtual ~RuleJournal() = default;
  /// False: it could not be written; the rule must not be made.
  virtual bool opening(OpenRule& rule) = 0;
  virtual void closed(const OpenRule& rule) = 0;
  /// Known places are not written again.
  virtual void enter(const RulePlace&) {}
  /// It has been deleted.
  virtual void leave(const RulePlace&) {}
};

/// What start() finds on the machine.
enum class StartKind {
  fresh,   ///< FLUSH_*_AT_INIT counts
  reload,  ///< rules that we opened stay, and so do the chains
  back,    ///< the same after a reload that failed: what was there is there, whatever the firewall says now
};

class Firewall {
 public:
  virtual ~Firewall() = default;
  /// Chains and checks (4.1). False: the daemon must not run.
  virtual bool start(StartKind kind) = 0;
  /// Rules of an earlier process: made again when they are missing, then watched like our own.
  virtual void restore(std::vector<OpenRule> rules) = 0;
  /// Makes the rules of a grant, with a log line each.
  virtual void open(const Stanza& stanza, const Grant& grant) = 0;
  /// When expire() must be called for our own rules; nullopt: there are none, or a removal is under way.
  virtual std::optional<MonotonicTime> next_due() const = 0;
  /// Removes what is due.
  virtual void expire() = 0;
  /// Looks at all chains for rules of others whose expiry comment is due, too (4.4).
  virtual void check_deeply() = 0;
  /// The earliest comment of somebody else that the last check saw; nullopt: none.
  virtual std::optional<std::int64_t> next_foreign_expiry_s() const { return std::nullopt; }
  /// At the end of the daemon (4.5).
  virtual void stop() = 0;
  /// Deletes what is ours, whatever the settings say. False: rules may be left; lines say why.
  virtual bool flush() = 0;
  /// To standard output.
  virtual void list(bool is_everything) = 0;
  /// Our rules, to be handed to a successor after a reload.
  virtual std::vector<OpenRule> release() = 0;
  /// A program of ours is removing rules: what changes meanwhile may be its doing.
  virtual bool is_removing() const { return false; }
  bool has_rules() const { return next_due().has_value() || is_removing(); }
  /// Forwarding and local NAT; the others say that they do not support it.
  virtual bool can_do_nat() const { return false; }
  /// Can rules of others stand among ours (4.4)?
  virtual bool has_foreign_rules() const { return false; }
  /// The kernel tells of every change of the rules (nftables).
  virtual bool changes_are_told() const { return false; }
};

struct FirewallContext {
  const FirewallSettings& settings;
  const std::vector<Stanza>& stanzas;
  log::Logger& log;
  const Clock& clock;
  CommandRunner& runner;
  RuleJournal& journal;
  /// Transactions of the kernel's rule set so far; nullopt: it does not tell. Not set: the same.
  std::function<std::optional<std::uint64_t>()> count_changes = {};
  /// Somebody else changed the rule set.
  std::function<void()> on_foreign_change = {};
  /// A removal has ended: next_due() tells again.
  std::function<void()> on_removal_end = {};
  /// The program that reads rules from a file, of the same kind as `settings.exe`; empty: there is none.
  std::string restore_exe = {};
};

/// "/usr/sbin/iptables-restore" for "/usr/sbin/iptables", where both are the same program by two names; else empty.
std::string find_restore_program(const std::string& exe);

/// Does a back-end by `then` find rules of one by `now` where it looks, whichever chains they have?
bool share_rules(const FirewallSettings& now, const FirewallSettings& then);

/// The back-end that the settings name. Everything in `context` outlives it.
std::unique_ptr<Firewall> make_firewall(const FirewallContext& context);

/// For one use of a firewall, without a daemon.
struct FirewallUse {
  const FirewallSettings& settings;
  const std::vector<Stanza>& stanzas;
  log::Logger& log;
  int verbosity;
};
/// `--fw-list` and, with `is_everything`, `--fw-list-all`: to standard output (4.5).
void list_firewall(const FirewallUse& use, bool is_everything);
/// What `--fw-flush` does to one firewall. False: rules may be left.
bool remove_rules(const FirewallUse& use);

}  // namespace latchkey::fwknopd
