// SPDX-License-Identifier: GPL-2.0-or-later
// Text helpers that do not depend on the locale: blanks, case, splitting, numbers.
#pragma once
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

/// The C locale's white space: space, \t \n \v \f \r.
bool is_blank(char c);
bool is_digit(char c);
/// 0x20..0x7e
bool is_printable(char c);

std::string_view strip(std::string_view text);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// Splits at every `separator`; "a,,b" gives three items, "" one empty item. Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Replaces every `what` (not empty) in `text`, left to right, without looking at replaced text again.
std::string replace_all(std::string_view text, std::string_view what, std::string_view with);

/// The whole text as a decimal number in `least`..`most`: digits only, with a '-' where T is signed. Everything else
/// (empty, blanks, '+', trailing text, overflow) is nullopt.
template <std::integral T>
std::optional<T> parse_number(std::string_view text, T least = std::numeric_limits<T>::min(),
                              T most = std::numeric_limits<T>::max()) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

/// What C's strtol reads: leading blanks, a sign, digits; saturates at 64 bits. The peers parse their configuration
/// with it, so their files need it (spec/knockd.md 2.3, spec/fwknopd-config.md S-RULE).
struct LenientNumber {
  std::int64_t value = 0;
  bool has_digits = false;
  bool is_saturated = false;
  std::string_view rest;  ///< what follows the digits; all of the text when there are none
};
LenientNumber parse_lenient_number(std::string_view text);

}  // namespace latchkey
