// SPDX-License-Identifier: GPL-2.0-or-later
// Directive tables: numbers and the man-page check.
#include "common/config/directive.h"

#include <fmt/format.h>

#include <map>

#include "common/base/text.h"
#include "common/config/line_reader.h"
#include "common/config/man_page.h"

namespace latchkey::config {
namespace {

bool is_keyword_byte(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '%';
}

// The keyword that a tag begins with; empty when the entry is about something else.
std::string keyword_in_tag(std::string_view tag) {
  const std::size_t end = static_cast<std::size_t>(std::ranges::find_if_not(tag, is_keyword_byte) - tag.begin());
  const std::string_view word = tag.substr(0, end);
  const bool is_keyword = word.size() > 2 && (word.starts_with('%') ||
                                              std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; }));
  return std::string(is_keyword ? word : std::string_view());
}

void check_entry(const DirectiveText& row, const ManEntry& entry, std::vector<std::string>& complaints) {
  if (!row.fallback.empty() && entry.fallback != row.fallback)
    complaints.push_back(
        fmt::format("the page gives {} the default '{}', not '{}'", row.name, entry.fallback, row.fallback));
  const std::string range = fmt::format("{} to {}", row.least, row.most);
  if (row.most != 0 && !row.has(synonym) && entry.body.find(range) == std::string::npos)
    complaints.push_back(fmt::format("the page does not say that {} is {}", row.name, range));
}

}  // namespace

std::optional<std::int64_t> parse_strict_number(std::string_view value, std::int64_t least, std::int64_t most) {
  return parse_number<std::int64_t>(cut_comment(value), least, most);
}

std::vector<std::string> check_man_page(std::span<const DirectiveText> table, std::string_view man_page) {
  std::vector<std::string> complaints;
  std::map<std::string, ManEntry, std::less<>> entries;
  std::map<std::string, std::vector<std::string>> names;  // by heading
  for (ManEntry& entry : read_man_entries(man_page)) {
    std::string name = keyword_in_tag(entry.tag);
    if (name.empty()) continue;
    names[entry.heading].push_back(name);
    entries.insert_or_assign(std::move(name), std::move(entry));
  }
  std::vector<std::string> order;
  for (const DirectiveText& row : table) {
    order.emplace_back(row.name);
    if (const auto entry = entries.find(row.name); entry != entries.end())
      check_entry(row, entry->second, complaints);
    else
      complaints.push_back(fmt::format("the page does not describe {}", row.name));
  }
  for (const auto& [name, entry] : entries)
    if (std::ranges::find(table, name, &DirectiveText::name) == table.end())
      complaints.push_back(fmt::format("the page describes {}, which does not exist", name));
  for (const auto& [heading, found] : names)
    std::ranges::copy(check_order(found, order), std::back_inserter(complaints));
  return complaints;
}

}  // namespace latchkey::config
