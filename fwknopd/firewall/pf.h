// SPDX-License-Identifier: GPL-2.0-or-later
// The pf back-end: the rules of one anchor, written anew at each change (spec/fwknopd-runtime.md 5.3).
#pragma once
#include <optional>
#include <string>

#include "fwknopd/firewall/tracking.h"

namespace latchkey::fwknopd {

class PfFirewall final : public TrackingFirewall {
 public:
  explicit PfFirewall(const FirewallContext& context) : TrackingFirewall(context) {}
  bool start(StartKind kind) override;
  void restore(std::vector<OpenRule> rules) override;
  void expire() override;
  void stop() override;
  bool flush() override;
  void list(bool is_everything) override;

 private:
  bool prepare(OpenRule&) override { return true; }
  CommandResult add(const OpenRule& open) override;
  Words anchor(const Words& more) const;
  std::optional<std::string> rules_of_anchor();
  bool replace_lines(const std::vector<OpenRule>& rules);
  std::string line_of(const Rule& rule) const;
  CommandResult write_rules(const std::string& rules);
  bool replace_rules(const std::string& rules);
};

}  // namespace latchkey::fwknopd
