// SPDX-License-Identifier: GPL-2.0-or-later
// Time offsets of --time-offset-plus, --time-offset-minus and TIME_OFFSET (spec/fwknop-client.md 10.6, D29).
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace latchkey::fwknop {

/// [+]DIGITS[blanks][s|sec...|m|min...|h|hour...|d|day...], any case: at most eight digits, the number at most 65536.
/// No unit means seconds.
std::optional<std::chrono::seconds> parse_time_offset(std::string_view text);

}  // namespace latchkey::fwknop
