// SPDX-License-Identifier: GPL-2.0-or-later
// Texts made from an option table.
#include "common/cli/usage.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::cli {
namespace {

std::string format_entry(const OptionText& row, const UsageStyle& style) {
  std::string entry = row.letter != 0 ? fmt::format("{:{}}-{}, --{}", "", style.names_column, row.letter, row.name)
                                      : fmt::format("{:{}}--{}", "", style.long_only_column, row.name);
  if (!row.placeholder.empty()) entry += fmt::format(" {}", row.placeholder);
  const std::size_t pad = entry.size() < style.help_column ? style.help_column - entry.size() : 1;
  entry.append(pad, ' ').append(style.help_mark);
  bool is_first = true;
  for (const std::string_view line : split(row.help, '\n')) {
    if (!is_first) entry += fmt::format("{:{}}", "", style.help_column + style.help_mark.size());
    entry.append(line).append("\n");
    is_first = false;
  }
  return entry;
}

}  // namespace

std::string format_usage(std::span<const OptionText> table, const UsageStyle& style,
                         std::span<const std::string_view> order) {
  std::string text;
  if (order.empty()) {
    for (const OptionText& row : table)
      if (!row.help.empty() && row.presence != Presence::left_out) text += format_entry(row, style);
    return text;
  }
  for (const std::string_view name : order) {
    const auto found = std::ranges::find(table, name, &OptionText::name);
    if (found != table.end() && found->presence != Presence::left_out) text += format_entry(*found, style);
  }
  return text;
}

}  // namespace latchkey::cli
