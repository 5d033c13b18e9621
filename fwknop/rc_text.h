// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a .fwknoprc file (spec/fwknop-client.md 4.4): what each one is, and every byte of it kept.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::fwknop {

enum class RcLineKind {
  ignored,    ///< blank or a comment
  section,    ///< name = what stands between the brackets
  directive,  ///< name and value
  include,    ///< %include or %include_folder: name and value
  malformed,  ///< anything else
};

struct RcLine {
  RcLineKind kind;
  std::string_view raw;  ///< the whole line with its newline, if it has one
  std::string_view name;
  std::string_view value;
};

/// Splits at newlines; lines may be of any length (D4).
std::vector<std::string_view> split_rc_lines(std::string_view text);

/// `raw`: one line, with or without its newline. The result points into it.
RcLine parse_rc_line(std::string_view raw);

/// Section names are compared without regard to case. The empty name "[]" is nobody's (D5).
bool is_same_section(std::string_view a, std::string_view b);

/// Whether `value` comes back from a directive line unchanged: no blanks, ';' or '#', not empty.
bool is_rc_value(std::string_view value);

}  // namespace latchkey::fwknop
