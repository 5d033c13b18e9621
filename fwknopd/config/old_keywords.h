// SPDX-License-Identifier: GPL-2.0-or-later
// Keywords of fwknop 1.9's access.conf that 2.x does not have.
#pragma once
#include <optional>
#include <string_view>

namespace latchkey::fwknopd {

/// What to do about it; nullopt for any other keyword.
std::optional<std::string_view> advice_for_old_keyword(std::string_view keyword);

}  // namespace latchkey::fwknopd
