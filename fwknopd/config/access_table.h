// SPDX-License-Identifier: GPL-2.0-or-later
// The keyword table of access.conf (spec/fwknopd-config.md 12.2).
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/config/directive.h"
#include "fwknopd/config/draft.h"

namespace latchkey::fwknopd {

/// Stores the value; false: it is bad, and was told.
using AccessSet = bool (*)(AccessLine& line);

struct AccessRow {
  config::DirectiveText text;
  bool is_key_file_keyword = false;  ///< allowed in an %include_keys file
  AccessSet set = nullptr;
};

std::span<const AccessRow> access_rows();
/// nullptr for an unknown keyword. SOURCE and the %include directives are in the table for the man page; the reader
/// acts on them, their `set` is null.
const AccessRow* find_access_row(std::string_view keyword);

/// What to do about a keyword of fwknop 1.9's access.conf that 2.x does not have; nullopt for any other.
std::optional<std::string_view> advice_for_old_keyword(std::string_view keyword);

/// Local midnight of `M/D/YY` or `M/D/YYYY`, a real day in 1971..9999, two digits meaning 2000..2099.
std::optional<std::int64_t> parse_expiry_date(std::string_view text);

}  // namespace latchkey::fwknopd
