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

}  // namespace latchkey::fwknopd
