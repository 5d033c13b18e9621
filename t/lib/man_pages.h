// SPDX-License-Identifier: GPL-2.0-or-later
// The sources of the man pages, for the tests that hold them against the tables.
#pragma once
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/cli/option.h"

namespace latchkey::testing_tools {

using Complaints = std::vector<std::string>;

/// The text of man/NAME; empty when there is none.
inline std::string man_page(const std::string& name) {
  const char* const source = ::getenv("LATCHKEY_SOURCE");
  std::stringstream text;
  text << std::ifstream(std::string(source == nullptr ? ".." : source) + "/man/" + name).rdbuf();
  return text.str();
}

/// The rows as a page has them: in the order of the usage text, those that are not in it behind.
inline std::vector<cli::OptionText> in_usage_order(std::vector<cli::OptionText> table, const std::string& usage) {
  std::ranges::stable_sort(
      table, {}, [&usage](const cli::OptionText& row) { return usage.find("--" + std::string(row.name) + " "); });
  return table;
}

}  // namespace latchkey::testing_tools
