// SPDX-License-Identifier: GPL-2.0-or-later
// Dates of ACCESS_EXPIRE.
#include "fwknopd/config/expiry_date.h"

#include <chrono>
#include <ctime>

#include "common/base/text.h"

namespace latchkey::fwknopd {

std::optional<std::int64_t> parse_expiry_date(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() != 3 || parts[0].size() > 2 || parts[1].size() > 2 || (parts[2].size() != 2 && parts[2].size() != 4))
    return std::nullopt;
  const auto month = parse_number<unsigned>(parts[0], 1, 12);
  const auto day = parse_number<unsigned>(parts[1], 1, 31);
  const auto year = parts[2].size() == 2 ? parse_number<int>(parts[2], 0, 99) : parse_number<int>(parts[2], 1971, 9999);
  if (!month || !day || !year) return std::nullopt;
  const std::chrono::year full_year(parts[2].size() == 2 ? 2000 + *year : *year);
  if (!std::chrono::year_month_day(full_year, std::chrono::month(*month), std::chrono::day(*day)).ok())
    return std::nullopt;
  std::tm local{};
  local.tm_year = static_cast<int>(full_year) - 1900;
  local.tm_mon = static_cast<int>(*month) - 1;
  local.tm_mday = static_cast<int>(*day);
  local.tm_isdst = -1;
  return std::mktime(&local);
}

}  // namespace latchkey::fwknopd
