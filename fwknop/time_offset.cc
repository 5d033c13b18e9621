// SPDX-License-Identifier: GPL-2.0-or-later
// Time offsets of --time-offset-plus, --time-offset-minus and TIME_OFFSET (spec/fwknop-client.md 10.6, D29).
#include "fwknop/time_offset.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/base/text.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t most_digits = 8;
constexpr int most_units = 65536;

struct Unit {
  std::string_view letter;
  std::string_view word;  ///< any longer word that begins so is this unit as well
  int seconds;
};
constexpr auto units =
    std::to_array<Unit>({{"s", "sec", 1}, {"m", "min", 60}, {"h", "hour", 3600}, {"d", "day", 86400}});

std::optional<int> seconds_of_unit(std::string_view text) {
  const std::string word = to_lower(text);
  if (!std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; })) return std::nullopt;
  for (const Unit& unit : units)
    if (word == unit.letter || word.starts_with(unit.word)) return unit.seconds;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::seconds> parse_time_offset(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  if (digits == 0 || digits > most_digits) return std::nullopt;
  const auto number = parse_number<int>(text.substr(0, digits), 0, most_units);
  if (!number) return std::nullopt;
  const std::string_view unit = strip_left(text.substr(digits));
  if (unit.empty()) return std::chrono::seconds(*number);
  const auto scale = seconds_of_unit(unit);
  if (!scale) return std::nullopt;
  return std::chrono::seconds(std::int64_t{*number} * *scale);
}

}  // namespace latchkey::fwknop
