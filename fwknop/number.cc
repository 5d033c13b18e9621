// SPDX-License-Identifier: GPL-2.0-or-later
// The integers of the client's options, rc values and URLs (spec/fwknop-client.md 2.1, D1).
#include "fwknop/number.h"

#include <fmt/core.h>

#include "common/base/text.h"

namespace latchkey::fwknop {

std::optional<int> parse_integer(std::string_view text, int least, int most) {
  const LenientNumber number = parse_lenient_number(text);
  if (!number.has_digits || number.is_saturated || !number.rest.empty()) return std::nullopt;
  if (number.value < least || number.value > most) return std::nullopt;
  return static_cast<int>(number.value);
}

std::string out_of_range_text(std::string_view text, int least, std::string_view most_text) {
  const LenientNumber number = parse_lenient_number(text);
  std::string lines;
  std::string shown(text);
  if (number.is_saturated) {
    lines = "strtol: Numerical result out of range\n";
    shown = "-1";
  } else if (number.has_digits && number.rest.empty()) {
    shown = std::to_string(number.value);
  }
  return lines + fmt::format("[*] Value {} out of range [({})-({})]", shown, least, most_text);
}

}  // namespace latchkey::fwknop
