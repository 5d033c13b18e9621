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
      if (!row.help.empty()) text += format_entry(row, style);
    return text;
  }
  for (const std::string_view name : order) {
    const auto found = std::ranges::find(table, name, &OptionText::name);
    if (found != table.end()) text += format_entry(*found, style);
  }
  return text;
}

std::string format_bash_completion(std::string_view program, std::span<const OptionText> table) {
  std::string words;
  std::string taking_arguments;
  for (const OptionText& row : table) {
    words += fmt::format("{}--{}", words.empty() ? "" : " ", row.name);
    if (row.argument == Argument::none) continue;
    taking_arguments += fmt::format("{}--{}", taking_arguments.empty() ? "" : "|", row.name);
    if (row.letter != 0) taking_arguments += fmt::format("|-{}", row.letter);
  }
  std::string text = fmt::format(
      "# bash completion for {}, made from its option table\n# SPDX-License-Identifier: GPL-2.0-or-later\n_{}() {{\n",
      program, program);
  text += "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n";
  if (!taking_arguments.empty())
    text += fmt::format("  case $before in\n    {}) COMPREPLY=($(compgen -f -- \"$word\")); return;;\n  esac\n",
                        taking_arguments);
  text += fmt::format("  COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n}}\ncomplete -o default -F _{} {}\n", words,
                      program, program);
  return text;
}

}  // namespace latchkey::cli
