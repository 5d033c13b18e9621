// SPDX-License-Identifier: GPL-2.0-or-later
// The tagged paragraphs of a man page, for the tests that hold the pages against the tables.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::config {

/// A `.TP` or `.TQ` tag with its paragraph, all without fonts and escapes.
struct ManEntry {
  std::string tag;       ///< "-a, --access-file file"
  std::string body;      ///< its lines, joined by blanks; tags that share a paragraph share it
  std::string heading;   ///< of the .SH or .SS that it stands under
  std::string fallback;  ///< X of a line "Default: X."
};

/// The entries of a page's source, in their order.
std::vector<ManEntry> read_man_entries(std::string_view page);

/// Complains if `names`, those of a page's entries, are not in the order of `table`. Unknown names do not count.
std::vector<std::string> check_order(const std::vector<std::string>& names, const std::vector<std::string>& table);

}  // namespace latchkey::config
