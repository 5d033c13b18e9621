// SPDX-License-Identifier: GPL-2.0-or-later
// Escaping control bytes and cutting between characters.
#include "common/log/escape.h"

#include <algorithm>

namespace latchkey::log {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string escape_controls(std::string_view text) {
  if (std::none_of(text.begin(), text.end(), is_control)) return std::string(text);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string escaped;
  escaped.reserve(text.size() + 16);
  for (const char c : text) {
    if (!is_control(c)) {
      escaped += c;
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    escaped += "\\x";
    escaped += digits[value >> 4];
    escaped += digits[value & 15];
  }
  return escaped;
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  // A character has at most three continuation bytes: more of them are no UTF-8, and are cut where the limit is.
  std::size_t end = max_bytes;
  while (end > 0 && max_bytes - end < 4 && is_continuation(text[end])) --end;
  if (is_continuation(text[end])) end = max_bytes;
  return text.substr(0, end);
}

}  // namespace latchkey::log
