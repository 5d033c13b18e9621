// SPDX-License-Identifier: GPL-2.0-or-later
// Option tables: one constexpr row is the only place where a command-line option is described.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace latchkey::cli {

enum class Argument { none, required };

/// An option of a part of the program that configure may leave out: `optional` while the part is there, not in the
/// completion file, which is the same for all builds; `left_out` where it is not: getopt and the usage text do not know
/// it. The man page has all.
enum class Presence { always, optional, left_out };

/// What everybody but the setter needs: getopt_long, usage text, completion, man-page check.
struct OptionText {
  std::string_view name;  ///< long name, without dashes; points into a string literal
  char letter = 0;        ///< short name, 0 = none
  Argument argument = Argument::none;
  std::string_view placeholder;  ///< shown after the names in the usage text, "<file>"
  std::string_view help;         ///< lines separated by \n; empty = not in the usage text
  /// The long name that this row is a synonym of: an abbreviation that fits only synonyms is not ambiguous, and a match
  /// reports the other row.
  std::string_view same_as;
  /// Ours, not the peer's: an abbreviation that fits any option of the peer's never means this row.
  bool is_extension = false;
  Presence presence = Presence::always;
};

/// Stores `argument` (empty for Argument::none) into the target. Returning a number ends the program with that exit
/// status; the setter has printed what there is to say.
template <class Target>
using Setter = std::optional<int> (*)(Target& target, std::string_view argument);

/// The order of the rows is the order of getopt's "possibilities".
template <class Target>
struct Option {
  OptionText text;
  Setter<Target> set = nullptr;
};

template <class Target>
std::vector<OptionText> texts_of(std::span<const Option<Target>> table) {
  std::vector<OptionText> texts;
  texts.reserve(table.size());
  for (const Option<Target>& row : table) texts.push_back(row.text);
  return texts;
}

/// For static_assert: long names are there and differ, letters differ, synonyms name a row, and have its argument kind.
template <class Target, std::size_t N>
constexpr bool is_consistent(const std::array<Option<Target>, N>& table) {
  for (std::size_t i = 0; i < N; ++i) {
    const OptionText& row = table[i].text;
    if (row.name.empty()) return false;
    bool has_target = row.same_as.empty();
    for (std::size_t k = 0; k < N; ++k) {
      const OptionText& other = table[k].text;
      if (k < i && (other.name == row.name || (row.letter != 0 && other.letter == row.letter))) return false;
      if (!row.same_as.empty() && other.name == row.same_as) has_target = other.argument == row.argument;
    }
    if (!has_target) return false;
  }
  return true;
}

}  // namespace latchkey::cli
