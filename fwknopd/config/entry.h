// SPDX-License-Identifier: GPL-2.0-or-later
// One line of fwknopd.conf, access.conf or a key file: a keyword and its value (spec/fwknopd-config.md 5, 12.1).
#pragma once
#include <string>
#include <string_view>

#include "common/config/line_reader.h"

namespace latchkey::fwknopd {

/// Longer lines are one invalid entry; what follows a NUL does not count.
inline constexpr config::LinePolicy line_policy{
    .limit_bytes = 1023, .limit_counts_newline = true, .nul_ends_line = true};

enum class Colon { is_ordinary, ends_keyword };

struct Entry {
  enum class Kind { nothing, invalid, assignment };
  Kind kind = Kind::nothing;
  std::string_view keyword;
  std::string_view value;  ///< never empty in an assignment
  unsigned keyword_column = 1;
  unsigned value_column = 1;
};

/// Blank lines and comments, indented ones too and of any length, are `nothing`.
Entry parse_entry(const config::Line& line, Colon colon);

/// The line as diagnostics may show it: the value of a keyword that holds a key or password, and a line too long to be
/// understood, are starred out.
std::string mask_line(const config::Line& line, const Entry& entry);
bool is_secret_keyword(std::string_view keyword);

}  // namespace latchkey::fwknopd
