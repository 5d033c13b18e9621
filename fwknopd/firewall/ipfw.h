// SPDX-License-Identifier: GPL-2.0-or-later
// The ipfw back-end: rules in one set, moved to a disabled one when they expire (spec/fwknopd-runtime.md 5.2).
#pragma once
#include <set>

#include "fwknopd/firewall/tracking.h"

namespace latchkey::fwknopd {

class IpfwFirewall final : public TrackingFirewall {
 public:
  explicit IpfwFirewall(const FirewallContext& context) : TrackingFirewall(context) {}
  bool start(StartKind kind) override;
  void restore(std::vector<OpenRule> rules) override;
  std::optional<MonotonicTime> next_due() const override;
  void expire() override;
  void stop() override;
  bool flush() override;
  void list(bool is_everything) override;

 private:
  bool prepare(OpenRule& open) override;
  CommandResult add(const OpenRule& open) override;
  std::optional<unsigned> free_number() const;
  bool is_ours(unsigned number) const;
  void read_active();
  void read_expired();
  void move_due();
  void purge();

  std::set<unsigned> used_;     ///< rule numbers that are taken
  std::set<unsigned> expired_;  ///< those in the expire set
  MonotonicTime next_purge_{};
};

}  // namespace latchkey::fwknopd
