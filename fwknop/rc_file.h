// SPDX-License-Identifier: GPL-2.0-or-later
// Reading .fwknoprc: sections into settings, the list of stanzas, %include (spec/fwknop-client.md 4.4, 4.5).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

struct RcPass {
  bool has_other = false;  ///< the section that was looked out for is in the file, too
  bool is_ok = true;       ///< false: what is wrong has been printed, the run ends
};

/// Applies every part of section `name` to `settings`, in the order of the file, of what it includes, and of the
/// *.conf files in the folder PATH.d, and looks out for section `other`. A file that cannot be read counts as empty and
/// is complained about. VERBOSE counts from its line on.
RcPass apply_rc_section(const std::string& path, std::string_view name, Source source, Settings& settings,
                        Console& console, std::string_view other = {});

/// Section names in the order of the file, "default" left out. Error: the line for standard error.
Result<std::vector<std::string>> list_rc_sections(const std::string& path);

}  // namespace latchkey::fwknop
