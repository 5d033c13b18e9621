// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of fwknopd's files.
#include "fwknopd/config/entry.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::string_view stars = "***";
constexpr std::size_t longest_shown_name = 32;

unsigned column_of(std::string_view part, std::string_view line) {
  return static_cast<unsigned>(part.data() - line.data()) + 1;
}

}  // namespace

Entry parse_entry(const config::Line& line, Colon colon) {
  Entry entry;
  const std::string_view start = strip_left(line.text);
  if (start.empty() || start[0] == '#' || start[0] == ';') return entry;
  entry.kind = Entry::Kind::invalid;
  const std::size_t end = static_cast<std::size_t>(std::ranges::find_if(start, is_blank) - start.begin());
  entry.keyword = start.substr(0, end);
  entry.keyword_column = entry.value_column = column_of(start, line.text);
  if (const std::size_t at = entry.keyword.rfind(':'); colon == Colon::ends_keyword && at != std::string_view::npos)
    entry.keyword = entry.keyword.substr(0, at);
  const std::string_view rest = strip_left(start.substr(end));
  // Not find_first_of(), which makes a call for every character: keys are long.
  const std::string_view statement = rest.substr(0, rest.find(';'));
  entry.value = strip_right(statement.substr(0, statement.find('\r')));
  if (line.is_too_long || entry.value.empty()) return entry;
  entry.kind = Entry::Kind::assignment;
  entry.value_column = column_of(rest, line.text);
  return entry;
}

bool is_secret_keyword(std::string_view keyword) {
  constexpr auto names =
      std::to_array<std::string_view>({"KEY", "KEY_BASE64", "HMAC_KEY", "HMAC_KEY_BASE64", "GPG_DECRYPT_PW"});
  // A colon in the wrong place, or a keyword that is not quite one, still has a key behind it.
  const std::string_view word = keyword.substr(0, keyword.find_first_of(":="));
  return std::ranges::find(names, word) != names.end() || starts_with_ignoring_case(word, "KEY") ||
         starts_with_ignoring_case(word, "HMAC_KEY") || equals_ignoring_case(word, "GPG_DECRYPT_PW");
}

std::string mask_line(const config::Line& line, const Entry& entry) {
  const std::string_view start = strip_left(line.text);
  const std::string_view word =
      start.substr(0, static_cast<std::size_t>(std::ranges::find_if(start, is_blank) - start.begin()));
  if (!line.is_too_long && !is_secret_keyword(word)) return std::string(line.text);
  const std::size_t name_end = std::min(word.find_first_of(":="), word.size());
  const bool has_glued_value = name_end + 1 < word.size();
  if (line.is_too_long || has_glued_value)
    return std::string(word.substr(0, std::min<std::size_t>(name_end, longest_shown_name))) + " " + std::string(stars);
  if (entry.kind != Entry::Kind::assignment) return std::string(line.text);
  return std::string(line.text.substr(0, entry.value_column - 1)) + std::string(stars);
}

}  // namespace latchkey::fwknopd
