// SPDX-License-Identifier: GPL-2.0-or-later
// Directive tables: numbers and the man-page check.
#include "common/config/directive.h"

#include <fmt/format.h>

#include <map>

#include "common/base/text.h"
#include "common/config/line_reader.h"

namespace latchkey::config {
namespace {

bool is_keyword_byte(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '%';
}

// The keyword of a tag line (".B NAME \fIvalue\fR"); empty when the entry is about something else.
std::string keyword_in_tag(std::string_view tag) {
  std::string plain = replace_all(tag, "\\-", "-");
  for (const std::string_view font : {"\\fB", "\\fI", "\\fR", "\\fP"}) plain = replace_all(plain, font, " ");
  std::string_view rest = strip(plain);
  if (rest.starts_with("."))
    rest = strip(rest.substr(static_cast<std::size_t>(std::ranges::find_if(rest, is_blank) - rest.begin())));
  const std::size_t end = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_keyword_byte) - rest.begin());
  const std::string_view word = rest.substr(0, end);
  const bool is_keyword = word.size() > 2 && (word.starts_with('%') ||
                                              std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; }));
  return std::string(is_keyword ? word : std::string_view());
}

struct Entry {
  std::string fallback;
};

std::map<std::string, Entry, std::less<>> entries_of(std::string_view man_page) {
  std::map<std::string, Entry, std::less<>> entries;
  bool is_tag = false;
  std::string current;
  for (const std::string_view line : split(man_page, '\n')) {
    if (is_tag) {
      current = keyword_in_tag(line);
      if (!current.empty()) entries.try_emplace(current);
    } else if (!current.empty() && line.starts_with("Default: ") && line.ends_with('.')) {
      std::string text = replace_all(line.substr(9, line.size() - 10), "\\-", "-");
      for (const std::string_view font : {"\\fB", "\\fI", "\\fR", "\\fP"}) text = replace_all(text, font, "");
      entries[current].fallback = text;
    }
    is_tag = line == ".TP" || line.starts_with(".TP ") || line == ".TQ";
  }
  return entries;
}

}  // namespace

std::optional<std::int64_t> parse_strict_number(std::string_view value, std::int64_t least, std::int64_t most) {
  return parse_number<std::int64_t>(cut_comment(value), least, most);
}

std::vector<std::string> check_man_page(std::span<const DirectiveText> table, std::string_view man_page) {
  std::vector<std::string> complaints;
  const auto entries = entries_of(man_page);
  for (const DirectiveText& row : table) {
    const auto entry = entries.find(row.name);
    if (entry == entries.end()) {
      complaints.push_back(fmt::format("the page does not describe {}", row.name));
    } else if (!row.fallback.empty() && entry->second.fallback != row.fallback) {
      complaints.push_back(
          fmt::format("the page gives {} the default '{}', not '{}'", row.name, entry->second.fallback, row.fallback));
    }
  }
  for (const auto& [name, entry] : entries)
    if (std::ranges::find(table, name, &DirectiveText::name) == table.end())
      complaints.push_back(fmt::format("the page describes {}, which does not exist", name));
  return complaints;
}

}  // namespace latchkey::config
