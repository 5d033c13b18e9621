// SPDX-License-Identifier: GPL-2.0-or-later
// The line of the saved-arguments file: words to text and back (spec/fwknop-client.md 8, D20, D21).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::fwknop {

/// Every word followed by one blank, then a newline. Words that white space would tear apart, empty ones and those
/// that begin with '"' stand in double quotes, with \\ \" \n inside.
std::string format_argument_line(const std::vector<std::string>& words);

/// Reads such a line, and the unquoted ones of the old program: there a '"' is a letter like any other.
std::vector<std::string> parse_argument_line(std::string_view line);

}  // namespace latchkey::fwknop
