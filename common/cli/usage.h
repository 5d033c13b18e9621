// SPDX-License-Identifier: GPL-2.0-or-later
// Texts made from an option table: the list of options in the usage text, and the man-page check.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/cli/option.h"

namespace latchkey::cli {

/// Columns count from 0.
struct UsageStyle {
  std::size_t names_column = 2;      ///< of "-x, --long"
  std::size_t long_only_column = 6;  ///< of "--long" without a letter
  std::size_t help_column = 25;
  std::string_view help_mark;  ///< stands before the first line of the help, "- "
};

/// One entry per row that has a help text, in the order of the table, or of `order` (long names) when that is given.
/// Names that reach the help column push the help one blank further right.
std::string format_usage(std::span<const OptionText> table, const UsageStyle& style,
                         std::span<const std::string_view> order = {});

/// Complains about every option that the page does not describe, or describes with another letter, not in the order of
/// the table, or without the range ("1-32") or the default that the help text has, and about every option of the page
/// that is not in the table. An entry of the page is a line after `.TP`; `man_page` is its source.
std::vector<std::string> check_man_page(std::span<const OptionText> table, std::string_view man_page);

}  // namespace latchkey::cli
