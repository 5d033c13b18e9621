// SPDX-License-Identifier: GPL-2.0-or-later
// Chain strings: `target, table, from-chain, jump position, to-chain, rule position` (spec/fwknopd-config.md 6.3).
#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// Longest name that iptables takes for a chain.
inline constexpr std::size_t longest_chain_name = 28;

/// Check 1, for every string: six fields of letters, digits and `_`, none empty, no blank inside a name. `text` may be
/// fwknop 1.9's with a direction as second field (`ACCEPT, src, filter, ...`).
bool is_chain_string(std::string_view text);
/// Check 2, for the strings in use, after check 1. Error: the peer's text.
Result<ChainSpec> parse_chain_string(std::string_view text);

}  // namespace latchkey::fwknopd
