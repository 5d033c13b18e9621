// SPDX-License-Identifier: GPL-2.0-or-later
// Text cut into lines.
#include "common/config/line_reader.h"

#include "common/base/text.h"

namespace latchkey::config {

std::optional<Line> LineReader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t end = rest_.find('\n');
  Line line{.text = rest_.substr(0, end), .number = ++number_, .has_newline = end != std::string_view::npos};
  rest_.remove_prefix(line.has_newline ? end + 1 : rest_.size());
  const std::size_t counted = line.text.size() + (policy_.limit_counts_newline && line.has_newline ? 1 : 0);
  line.is_too_long = policy_.limit_bytes != 0 && counted > policy_.limit_bytes;
  const std::size_t nul = line.text.find('\0');
  line.has_nul = nul != std::string_view::npos;
  if (line.has_nul && policy_.nul_ends_line) line.text = line.text.substr(0, nul);
  return line;
}

std::string_view cut_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i)
    if (value[i] == '#' && is_blank(value[i - 1])) return strip_right(value.substr(0, i - 1));
  return value;
}

}  // namespace latchkey::config
