// SPDX-License-Identifier: GPL-2.0-or-later
// Key files: -G, KEY_FILE, --get-hmac-key, HMAC_KEY_FILE (spec/fwknop-client.md 7.3).
#pragma once
#include <optional>
#include <string_view>

namespace latchkey::fwknop {

/// The key that the last line for `server` gives: the rest of that line byte for byte, without its newline. nullopt:
/// no line for this server, or an empty key. The result points into `text`.
std::optional<std::string_view> find_key(std::string_view text, std::string_view server);

}  // namespace latchkey::fwknop
