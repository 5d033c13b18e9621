// SPDX-License-Identifier: GPL-2.0-or-later
// --save-rc-stanza: the user's rc file with one stanza renewed, everything else byte for byte (spec/fwknop-client.md
// 5).
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

struct RcAssignment {
  std::string_view name;
  int position;  ///< for the debug line
  std::string value;
};

/// The directives of `settings.to_save` that have a value, in the order of the table. What an rc file cannot hold as
/// text (blanks, '#', ';') is saved in base64 where there is such a directive, else left out with a warning.
std::vector<RcAssignment> assignments_to_save(const Settings& settings, Console& console);

struct StanzaUpdate {
  std::string_view stanza;
  std::vector<RcAssignment> assignments;
  bool is_forced = false;  ///< drop the stanza's old lines without asking
  /// Whether the user lets the stanza (named as in the file) lose a critical directive.
  std::function<bool(std::string_view directive, std::string_view stanza)> may_overwrite;
};

/// The new text of the file: pure. Comments, blank lines, includes and other stanzas stay. Error:
/// the line for standard error; the file is to stay as it is.
Result<std::string> update_rc_text(std::string_view text, const StanzaUpdate& update, Console& console);

/// Reads, asks on standard input, and replaces the file atomically, at mode 0600; a symbolic link keeps pointing to it.
/// False: nothing was saved, and the reason is printed (a malformed line, a file that cannot be written).
bool save_rc_stanza(const std::string& path, const Settings& settings, Console& console);

}  // namespace latchkey::fwknop
