// SPDX-License-Identifier: GPL-2.0-or-later
// Rules as arguments of iptables, and its listings read back. Pure (spec/fwknopd-runtime.md 4.2, 4.4).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fwknopd/firewall/rule.h"

namespace latchkey::fwknopd {

using Words = std::vector<std::string>;

/// The rule itself, as it stands after `-A CHAIN`: "-t", "filter", "-p", "6", ...
Words rule_words(const Rule& rule, const ChainSpec& chain);
/// One blank between the words, as debug lines show commands.
std::string join(const Words& words);

/// "Added access rule to FWKNOP_INPUT for 127.0.0.2 -> 0.0.0.0/0 tcp/22, expires at 1795216496"
std::string format_added(const Rule& rule, const ChainSpec& chain);

/// One line of a listing that carries an expiry comment.
struct ListedRule {
  unsigned number = 0;  ///< the line number that iptables printed
  std::int64_t expires_at_s = 0;
  std::string_view line;
  /// What a listing without numbers shows.
  std::string_view without_number() const;
};

struct Listing {
  std::vector<ListedRule> rules;  ///< in the order of the listing
  unsigned last_number = 0;       ///< of any rule
  bool has_comments = false;      ///< an `_exp_` stands somewhere in it, valid or not
  bool has_broken_line = false;   ///< a line with an expiry comment, but without a number at its start
};

/// Reads the output of `-L CHAIN --line-numbers -n`. Comments that are no number between `_exp_` and `*` are somebody
/// else's and left alone.
Listing parse_listing(std::string_view text);

/// Is the rule in the output of `-L CHAIN -n`? For an iptables without -C.
bool is_listed(const Rule& rule, const ChainSpec& chain, std::string_view text);

}  // namespace latchkey::fwknopd
