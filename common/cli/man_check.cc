// SPDX-License-Identifier: GPL-2.0-or-later
// An option table held against its man page.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/text.h"
#include "common/cli/usage.h"
#include "common/config/man_page.h"

namespace latchkey::cli {
namespace {

// The option names in a tag: "-a", "--access-file".
std::vector<std::string> names_in_tag(std::string_view tag) {
  std::vector<std::string> names;
  const std::string words = replace_all(tag, ",", " ");
  for (const std::string_view word : split(words, ' '))
    if (word.starts_with('-') && word.size() > 1) names.emplace_back(word.substr(0, word.find_first_of("[<")));
  return names;
}

const OptionText* row_named(std::span<const OptionText> table, std::string_view name) {
  const auto found = std::ranges::find_if(table, [name](const OptionText& row) {
    return name.starts_with("--") ? row.name == name.substr(2) : name.size() == 2 && row.letter == name[1];
  });
  return found == table.end() ? nullptr : &*found;
}

// "1-32" in the help is "1 to 32" in the page.
void check_ranges(const OptionText& row, std::string_view body, std::vector<std::string>& complaints) {
  std::size_t begin = 0;
  for (std::size_t dash = row.help.find('-'); dash != std::string_view::npos; dash = row.help.find('-', dash + 1)) {
    for (begin = dash; begin > 0 && is_digit(row.help[begin - 1]);) --begin;
    std::size_t end = dash + 1;
    while (end < row.help.size() && is_digit(row.help[end])) ++end;
    if (begin == dash || end == dash + 1) continue;
    const std::string range =
        fmt::format("{} to {}", row.help.substr(begin, dash - begin), row.help.substr(dash + 1, end - dash - 1));
    if (body.find(range) == std::string_view::npos)
      complaints.push_back(fmt::format("the page does not say that --{} is {}", row.name, range));
  }
}

// "default X" or "X (default)" in the help: the page says X, too.
void check_defaults(const OptionText& row, std::string_view body, std::vector<std::string>& complaints) {
  constexpr std::string_view mark = "default";
  const std::string help = replace_all(row.help, "\n", " ");
  const std::size_t at = help.find(mark);
  if (at == std::string::npos) return;
  std::string value;
  if (help.substr(at + mark.size()).starts_with(')')) {
    const std::string_view before = strip_right(std::string_view(help).substr(0, at - 1));
    value = before.substr(before.rfind(' ') + 1);
  } else {
    const std::string_view behind = strip_left(std::string_view(help).substr(at + mark.size()));
    value = behind.substr(0, behind.find_first_of(" ;,)"));
    if (value == "by") return;
  }
  for (const std::string_view extra : {"\"", "<", ">"}) value = replace_all(value, extra, "");
  value = replace_all(value.substr(0, value.size() - (value.ends_with('.') ? 1 : 0)), "$HOME", "~");
  if (body.find(value) == std::string_view::npos)
    complaints.push_back(fmt::format("the page does not say that the default of --{} is {}", row.name, value));
}

// The names of one entry: they exist, and a letter stands beside its own long name.
void check_names(std::span<const OptionText> table, const config::ManEntry& entry,
                 std::vector<std::string>& complaints) {
  const OptionText* letter_row = nullptr;
  for (const std::string& name : names_in_tag(entry.tag)) {
    const OptionText* row = row_named(table, name);
    if (row == nullptr) complaints.push_back(fmt::format("the page describes {}, which does not exist", name));
    if (name.size() == 2) letter_row = row;
    if (row == nullptr || name.size() == 2) continue;
    if (letter_row != nullptr && letter_row != row && row->same_as != letter_row->name)
      complaints.push_back(fmt::format("the page gives {} the letter of --{}", name, letter_row->name));
    check_ranges(*row, entry.body, complaints);
    check_defaults(*row, entry.body, complaints);
  }
}

}  // namespace

std::vector<std::string> check_man_page(std::span<const OptionText> table, std::string_view man_page) {
  std::vector<std::string> complaints;
  std::vector<std::string> described;
  for (const config::ManEntry& entry : config::read_man_entries(man_page)) {
    if (!entry.tag.starts_with('-')) continue;
    check_names(table, entry, complaints);
    std::ranges::copy(names_in_tag(entry.tag), std::back_inserter(described));
  }
  std::vector<std::string> order;
  const auto expect = [&](const std::string& name) {
    order.push_back(name);
    if (std::ranges::find(described, name) == described.end())
      complaints.push_back(fmt::format("the page does not describe {}", name));
  };
  for (const OptionText& row : table) {
    if (row.letter != 0) expect(fmt::format("-{}", row.letter));
    expect(fmt::format("--{}", row.name));
  }
  std::ranges::copy(config::check_order(described, order), std::back_inserter(complaints));
  return complaints;
}

}  // namespace latchkey::cli
