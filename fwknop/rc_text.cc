// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a .fwknoprc file (spec/fwknop-client.md 4.4): what each one is, and every byte of it kept.
#include "fwknop/rc_text.h"

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::fwknop {
namespace {

bool starts_comment(char c) { return c == '#' || c == ';' || c == '\0'; }
bool ends_value(char c) { return c == ' ' || c == '\t' || c == ';' || c == '#' || c == '\r' || c == '\n' || c == '\0'; }

/// Cuts the leading characters up to the first that `ends` accepts.
template <class Predicate>
std::string_view take_word(std::string_view& text, Predicate ends) {
  const auto length = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends) - text.begin());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

}  // namespace

std::vector<std::string_view> split_rc_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::size_t length = newline == std::string_view::npos ? text.size() : newline + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

RcLine parse_rc_line(std::string_view raw) {
  std::string_view rest = strip_left(raw);
  if (rest.empty() || starts_comment(rest.front())) return {RcLineKind::ignored, raw, {}, {}};
  if (rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close != std::string_view::npos) return {RcLineKind::section, raw, rest.substr(1, close - 1), {}};
  }
  std::string_view name = take_word(rest, is_blank);
  rest = strip_left(rest);
  if (name == "%include" || name == "%include_folder") {
    rest = strip_right(rest);
    return {rest.empty() ? RcLineKind::malformed : RcLineKind::include, raw, name, rest};
  }
  const std::string_view value = take_word(rest, ends_value);
  // "KEY: v" means KEY, however many colons there are before the last one.
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) name = name.substr(0, colon);
  return {value.empty() ? RcLineKind::malformed : RcLineKind::directive, raw, name, value};
}

bool is_same_section(std::string_view a, std::string_view b) { return !a.empty() && equals_ignoring_case(a, b); }

bool is_rc_value(std::string_view value) {
  return !value.empty() && std::none_of(value.begin(), value.end(), ends_value) && !is_blank(value.front());
}

}  // namespace latchkey::fwknop
