// SPDX-License-Identifier: GPL-2.0-or-later
// Text cut into lines. Each dialect has its own rules for long lines and NUL bytes; they are parameters here.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace latchkey::config {

struct LinePolicy {
  std::size_t limit_bytes = 0;  ///< longer lines are marked, not cut; 0 = no limit
  bool limit_counts_newline = false;
  bool nul_ends_line = false;  ///< what follows a NUL in a line is dropped
};

struct Line {
  std::string_view text;  ///< without its newline; a carriage return stays
  unsigned number = 0;    ///< physical, from 1
  bool has_newline = false;
  bool is_too_long = false;
  bool has_nul = false;
};

class LineReader {
 public:
  /// Lines are views into `content`.
  LineReader(std::string_view content, LinePolicy policy) : rest_(content), policy_(policy) {}
  std::optional<Line> next();

 private:
  std::string_view rest_;
  LinePolicy policy_;
  unsigned number_ = 0;
};

/// The value without a trailing comment: a blank followed by `#` ends it (the S-RULE of spec/fwknopd-config.md).
std::string_view cut_comment(std::string_view value);

}  // namespace latchkey::config
