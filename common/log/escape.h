// SPDX-License-Identifier: GPL-2.0-or-later
// Text from strangers made fit for a log line.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace latchkey::log {

/// Every byte below 0x20 and 0x7f becomes `\xHH`: nobody starts a line of his own or reaches the terminal. Other bytes
/// stay, so escaping twice changes nothing.
std::string escape_controls(std::string_view text);

/// The longest prefix of at most `max_bytes` bytes that ends between two UTF-8 characters. Text that is not UTF-8 is
/// cut anywhere.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace latchkey::log
