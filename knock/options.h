// SPDX-License-Identifier: GPL-2.0-or-later
// knock's command line (spec/knockd.md 8).
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/cli/option.h"
#include "common/net/resolver.h"

namespace latchkey::knock {

/// What the options say; the delay is still text, because the number of operands is looked at first.
struct Options {
  bool forces_udp = false;
  bool is_verbose = false;
  std::string delay = "0";
  net::Family family = net::Family::any;
};

std::span<const cli::Option<Options>> option_table();
std::string usage_text();
std::string version_text();

/// Whole milliseconds, 0..2147483647, with leading blanks and a sign as atoi takes them. Error: the line to print.
Result<int> parse_delay(std::string_view text);

}  // namespace latchkey::knock
