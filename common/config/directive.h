// SPDX-License-Identifier: GPL-2.0-or-later
// Directive tables: one row describes a keyword for reading, range errors, defaults, dumps and the man-page check.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::config {

enum class ValueKind {
  text,
  secret,
  yes_no,
  number,
  path,
  address,
  address_list,
  port_list,
  chain,
  date,
  choice,
  user
};

/// Flags of a row.
inline constexpr unsigned repeatable = 1;     ///< each line counts, not only the last
inline constexpr unsigned starts_stanza = 2;  ///< opens a block
inline constexpr unsigned ignored = 4;        ///< accepted, without effect
inline constexpr unsigned synonym = 8;        ///< another name of the row before
inline constexpr unsigned undumped = 16;      ///< of an older program: understood, but in no dump

struct DirectiveText {
  std::string_view name;
  ValueKind kind = ValueKind::text;
  std::string_view unit;      ///< "s", "us"
  std::int64_t least = 0;     ///< of numbers
  std::int64_t most = 0;      ///< of numbers; 0 = no range
  std::string_view fallback;  ///< the default as text; empty = not set
  unsigned flags = 0;

  bool has(unsigned flag) const { return (flags & flag) != 0; }
};

/// `Set` is a function pointer of the table's own; it stores a value into the table's target.
template <class Set>
struct Directive {
  DirectiveText text;
  Set set{};
};

/// nullptr when there is no such row. Names are case-sensitive.
template <class Set, std::size_t N>
constexpr const Directive<Set>* find_directive(const std::array<Directive<Set>, N>& table, std::string_view name) {
  for (const Directive<Set>& row : table)
    if (row.text.name == name) return &row;
  return nullptr;
}

/// For static_assert: names are there and differ; ranges are not reversed.
template <class Set, std::size_t N>
constexpr bool is_consistent(const std::array<Directive<Set>, N>& table) {
  for (std::size_t i = 0; i < N; ++i) {
    if (table[i].text.name.empty() || table[i].text.least > table[i].text.most) return false;
    for (std::size_t k = 0; k < i; ++k)
      if (table[k].text.name == table[i].text.name) return false;
  }
  return true;
}

template <class Set, std::size_t N>
std::vector<DirectiveText> texts_of(const std::array<Directive<Set>, N>& table) {
  std::vector<DirectiveText> texts;
  for (const Directive<Set>& row : table) texts.push_back(row.text);
  return texts;
}

/// The whole value as a decimal number in `least`..`most`, a trailing ` # comment` left out (S-RULE).
std::optional<std::int64_t> parse_strict_number(std::string_view value, std::int64_t least, std::int64_t most);

/// On if the value begins with Y or y.
constexpr bool is_yes(std::string_view value) { return !value.empty() && (value[0] == 'Y' || value[0] == 'y'); }

/// Complains about every row that the page has no entry for (the first word of a line after `.TP`, in capitals, a `%`
/// allowed in front), about every such entry that is no row, about a default (`Default: X.`) or a range ("0 to 9") that
/// differs, and about entries under one heading that are not in the order of the table.
std::vector<std::string> check_man_page(std::span<const DirectiveText> table, std::string_view man_page);

}  // namespace latchkey::config
