// SPDX-License-Identifier: GPL-2.0-or-later
// The iptables back-end, and firewalld's, which passes the same arguments on (spec/fwknopd-runtime.md 4, 5.1).
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fwknopd/firewall/firewall.h"
#include "fwknopd/firewall/xtables_text.h"

namespace latchkey::fwknopd {

/// Where iptables and firewalld differ.
struct XtablesDialect {
  Words prefix;             ///< program and leading arguments
  std::string shown;        ///< the same as log lines show it
  const char* name;         ///< "iptables", "firewalld"
  const char* probe_name;   ///< function name in the lines about -C
  const char* list_name;    ///< name of the listing in the lines of check_firewall_rules()
  const char* delete_name;  ///< function name in the lines about deletions
};
XtablesDialect xtables_dialect(const FirewallSettings& settings);

/// firewall-cmd says it in words, too.
bool has_succeeded(const CommandResult& result);
/// "No chain of that name", not a lock that is held or memory that is short (4). firewall-cmd says all of it in words.
bool is_refusal(const CommandResult& result);

struct XtablesVersion {
  bool is_nftables = false;  ///< not the legacy tables
  bool needs_wait = false;   ///< -w: another iptables may hold the lock of the legacy tables
};
/// Asks the program itself.
XtablesVersion find_out_version(FirewallKind kind, const XtablesDialect& dialect, CommandRunner& runner);

class XtablesFirewall final : public Firewall {
 public:
  explicit XtablesFirewall(const FirewallContext& context);

  bool start(StartKind kind) override;
  void restore(std::vector<OpenRule> rules) override;
  void open(const Stanza& stanza, const Grant& grant) override;
  std::optional<MonotonicTime> next_due() const override;
  void expire() override;
  void check_deeply() override;
  std::optional<std::int64_t> next_foreign_expiry_s() const override { return next_foreign_expiry_s_; }
  bool can_do_nat() const override { return true; }
  bool has_foreign_rules() const override { return true; }
  bool changes_are_told() const override { return version_.is_nftables; }
  bool is_removing() const override { return removal_ != nullptr; }
  void stop() override;
  bool flush() override;
  void list(bool is_everything) override;
  std::vector<OpenRule> release() override;

 private:
  struct Tracked {
    OpenRule open;
    MonotonicTime next_try;  ///< the due time, later after a failed removal
    bool is_seen = false;    ///< in the listing of the sweep at hand
  };
  /// Rules that one program takes away in the background.
  struct Removal {
    struct Item {
      std::uint64_t id;  ///< of the OpenRule
      unsigned number;   ///< in the listing
    };
    std::vector<Item> items;
    std::optional<std::uint64_t> changes_before;
    std::uint64_t commits = 0;            ///< that the program makes
    std::uint64_t changes_meanwhile = 0;  ///< that we made otherwise
    bool checks_deeply_after = false;
  };

  const ChainSpec& chain(Slot slot) const { return chain_of(context_.settings, slot); }
  bool is_debug() const { return context_.log.shows(log::Level::debug); }
  std::string shown(const Words& arguments) const { return dialect_.shown + " " + join(arguments); }
  CommandResult call(const char* function, const Words& arguments);
  CommandResult run(const Words& arguments);
  void report(const char* function, const Words& arguments, const CommandResult& result);
  void debug(const std::string& text);

  // chains
  void probe_check_support();
  std::vector<Slot> make_missing_chains();
  bool create_chain(Slot slot);
  bool chain_exists(Slot slot);
  bool jump_exists(Slot slot);
  bool add_jump(Slot slot);
  bool ensure_chain(Slot slot);
  bool comment_match_is_known();
  bool comment_match_works();
  CommandResult insist(const char* function, const Words& arguments);
  bool delete_chain(Slot slot);
  void look_at_version();

  /// Nobody else has changed the rule set since the chain and its jump were seen: they need not be looked for again.
  bool is_untouched(Slot slot);
  std::optional<std::uint64_t> count_changes() const;
  /// run() for a command that changes one rule: what was known of the chains stays known when it was the only change.
  CommandResult change(const Words& arguments);

  // rules
  bool has_rule(const Rule& rule) const;
  bool rule_exists(const Rule& rule);
  bool is_in_chain(const Rule& rule);
  bool rule_exists_by_check(const Rule& rule);
  bool rule_exists_by_listing(const Rule& rule);
  /// Journals, adds and tracks. False: it was refused.
  bool add_rule(OpenRule open);
  /// A rule that stands in the journal: adds it, with a line when that fails.
  CommandResult insert_rule(const OpenRule& open);
  void debug_nat_rule(const Rule& rule, const Stanza& stanza);

  // expiry
  void sweep(Slot slot, Removal* together);
  std::optional<std::string> take_listing(Slot slot);
  Tracked* own_rule(Slot slot, const ListedRule& listed);
  std::vector<Tracked*> own_rules(Slot slot, const Listing& listing);
  bool remove_own(Tracked& tracked, unsigned number, unsigned already_removed);
  bool remove_foreign(Slot slot, const ListedRule& listed, unsigned already_removed);
  void note_removed(Tracked& tracked, unsigned number);
  void forget_vanished(Slot slot);
  void forget_closed();

  // many rules by one program
  struct Batch {
    std::string text;  ///< for iptables-restore; empty: a word needs quotes
    std::uint64_t commits = 0;
  };
  bool can_work_together() const;
  Batch make_batch(const std::string& command, const std::vector<const Rule*>& rules) const;

  // restoring
  void restore_chain(Slot slot);
  void forget_listed(Slot slot, const Listing& listing, std::vector<const Tracked*>& rules) const;
  bool make_together(const std::vector<const Tracked*>& rules);

  // removal by one program
  bool collect_due(Slot slot, Removal& removal);
  std::vector<const Tracked*> rules_in_order(Slot slot) const;
  bool holds_only_ours(Slot slot, const std::vector<Tracked*>& ours, const Listing& listing) const;
  void keep_known(std::uint64_t before, std::uint64_t now);
  void remove_together(Removal removal);
  void end_removal(const CommandResult& result);
  void account_for(const Removal& removal);
  Tracked* find_rule(std::uint64_t id);

  FirewallContext context_;
  XtablesDialect dialect_;
  std::vector<Slot> slots_;
  std::vector<Tracked> rules_;
  std::map<Slot, std::uint64_t> seen_at_;   ///< number of changes when chain and jump were there
  std::map<Slot, std::uint64_t> known_at_;  ///< number of changes when the chain held our rules and nothing else
  std::optional<std::int64_t> next_foreign_expiry_s_;
  std::shared_ptr<Removal> removal_;  ///< the one under way
  bool can_check_ = false;            ///< iptables knows -C
  XtablesVersion version_;
  bool is_version_known_ = false;
};

}  // namespace latchkey::fwknopd
