// SPDX-License-Identifier: GPL-2.0-or-later
// Texts made from an option table.
#include "common/cli/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

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

bool is_name_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// The option names in one tag line of a page: "-a", "--access-file".
std::vector<std::string> names_in_tag(std::string_view tag) {
  std::string plain = replace_all(tag, "\\-", "-");
  for (const std::string_view font : {"\\fB", "\\fI", "\\fR", "\\fP"}) plain = replace_all(plain, font, " ");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const bool starts_word = i == 0 || plain[i - 1] == ' ' || plain[i - 1] == '"' || plain[i - 1] == ',';
    if (plain[i] != '-' || !starts_word) continue;
    std::size_t end = i;
    while (end < plain.size() && is_name_byte(plain[end])) ++end;
    if (end - i >= 2) names.push_back(plain.substr(i, end - i));
    i = end;
  }
  return names;
}

const OptionText* row_named(std::span<const OptionText> table, std::string_view name) {
  const auto found = std::ranges::find_if(table, [name](const OptionText& row) {
    return name.starts_with("--") ? row.name == name.substr(2) : name.size() == 2 && row.letter == name[1];
  });
  return found == table.end() ? nullptr : &*found;
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

std::vector<std::string> check_man_page(std::span<const OptionText> table, std::string_view man_page) {
  std::vector<std::string> complaints;
  std::set<std::string, std::less<>> described;
  bool is_tag = false;
  for (const std::string_view line : split(man_page, '\n')) {
    if (is_tag) {
      const std::vector<std::string> names = names_in_tag(line);
      const OptionText* letter_row = nullptr;
      for (const std::string& name : names) {
        const OptionText* row = row_named(table, name);
        if (row == nullptr) complaints.push_back(fmt::format("the page describes {}, which does not exist", name));
        if (name.size() == 2) letter_row = row;
        if (row != nullptr && name.size() > 2 && letter_row != nullptr && letter_row != row &&
            row->same_as != letter_row->name)
          complaints.push_back(fmt::format("the page gives {} the letter of --{}", name, letter_row->name));
        described.insert(name);
      }
    }
    is_tag = line == ".TP" || line.starts_with(".TP ") || line == ".TQ";
  }
  for (const OptionText& row : table) {
    const std::string name = fmt::format("--{}", row.name);
    if (!described.contains(name)) complaints.push_back(fmt::format("the page does not describe {}", name));
    if (row.letter != 0 && !described.contains(fmt::format("-{}", row.letter)))
      complaints.push_back(fmt::format("the page does not describe -{}", row.letter));
  }
  return complaints;
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
