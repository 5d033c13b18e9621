// SPDX-License-Identifier: GPL-2.0-or-later
// Key files: -G, KEY_FILE, --get-hmac-key, HMAC_KEY_FILE (spec/fwknop-client.md 7.3).
#include "fwknop/key_file.h"

#include <algorithm>

#include "fwknop/rc_text.h"

namespace latchkey::fwknop {
namespace {

std::string_view skip_fill(std::string_view text) {
  const auto is_fill = [](char c) { return c == ' ' || c == '\t' || c == '='; };
  text.remove_prefix(static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_fill) - text.begin()));
  return text;
}

}  // namespace

std::optional<std::string_view> find_key(std::string_view text, std::string_view server) {
  std::optional<std::string_view> found;
  for (std::string_view line : split_rc_lines(text)) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    line = skip_fill(line);
    if (line.empty() || line.front() == '#' || line.front() == ';' || line.front() == '\r') continue;
    if (!line.starts_with(server)) continue;
    line.remove_prefix(server.size());
    if (!line.starts_with(':')) continue;
    found = skip_fill(line.substr(1));
  }
  if (found && found->empty()) return std::nullopt;
  return found;
}

}  // namespace latchkey::fwknop
