// SPDX-License-Identifier: GPL-2.0-or-later
// Dates of ACCESS_EXPIRE.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace latchkey::fwknopd {

/// Local midnight of `M/D/YY` or `M/D/YYYY`, a real day in 1971..9999, two digits meaning 2000..2099.
std::optional<std::int64_t> parse_expiry_date(std::string_view text);

}  // namespace latchkey::fwknopd
