// SPDX-License-Identifier: GPL-2.0-or-later
// TrackingFirewall: what ipfw and pf share: no NAT, no chains, one list of rules that are open.
#pragma once
#include <string>
#include <vector>

#include "fwknopd/firewall/firewall.h"

namespace latchkey::fwknopd {

class TrackingFirewall : public Firewall {
 public:
  explicit TrackingFirewall(const FirewallContext& context);

  void open(const Stanza& stanza, const Grant& grant) override;
  std::optional<MonotonicTime> next_due() const override;
  void check_deeply() override {}
  std::vector<OpenRule> release() override;

 protected:
  struct Tracked {
    OpenRule open;
    MonotonicTime next_try;  ///< the due time, later after a failed removal
  };
  static constexpr std::chrono::seconds retry_interval{1};

  /// Makes one rule, with its lines; the journal knows it already.
  virtual CommandResult add(const OpenRule& open) = 0;
  /// Before the journal hears of a rule. False: refused, with a line.
  virtual bool prepare(OpenRule& open) = 0;

  CommandResult run(const Words& arguments, const std::string& input = {});
  /// As run(), with an ERR line when it fails.
  CommandResult call(const Words& arguments, const std::string& input = {});
  std::string shown(const Words& arguments) const;
  /// Our rules that are due, by the clock that nobody steps.
  std::vector<Tracked*> due_rules();
  /// A rule that stands in the journal, whether it is there or not: it is looked for when it is due.
  void track(const OpenRule& open) { rules_.push_back({open, open.due}); }
  /// A missing rule once more, by another entry of the journal, which holds one of them all the time.
  void make_again(const OpenRule& open);
  void close(Tracked& tracked);
  void forget_closed();
  void close_all();
  void postpone(const std::vector<Tracked*>& rules);
  std::string destination_or(const Rule& rule, const char* otherwise) const;

  FirewallContext context_;
  std::vector<Tracked> rules_;

 private:
  bool make(OpenRule open);
  Words program_;
};

/// Line of a listing by line of it, without the ends.
std::vector<std::string_view> lines_of(std::string_view text);
/// Does the line carry this expiry, as a word of its own?
bool has_expiry(std::string_view line, std::int64_t expires_at_s);

}  // namespace latchkey::fwknopd
