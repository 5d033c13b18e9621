// SPDX-License-Identifier: GPL-2.0-or-later
// The integers of the client's options, rc values and URLs (spec/fwknop-client.md 2.1, D1).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace latchkey::fwknop {

/// Leading blanks and a sign as the peer takes them; then digits to the end of the text, within `least`..`most`.
std::optional<int> parse_integer(std::string_view text, int least, int most);

/// The lines printed for a value that parse_integer() refused:
/// "[*] Value <text> out of range [(<least>)-(<most_text>)]", preceded by the strtol line when it overflows a long.
std::string out_of_range_text(std::string_view text, int least, std::string_view most_text);

}  // namespace latchkey::fwknop
