// SPDX-License-Identifier: GPL-2.0-or-later
// latchkey.conf: what the peers do not have (DESIGN.md, rule 9).
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/config/directive.h"

namespace latchkey::config {

struct SuiteSettings {
  std::string sandbox_user;    ///< [sandbox] user: of the sensor processes; empty = the one of the build
  bool sandbox_enable = true;  ///< [sandbox] enable: the system-call filter
  std::vector<std::string> knockd_interfaces;  ///< [knockd] interface = a, b: in place of knockd.conf's
};

inline constexpr std::string_view default_suite_path = SYSCONFDIR "/latchkey.conf";

/// A missing file gives the defaults, unless it was named by the user. Error: "PATH: what is wrong".
Result<SuiteSettings> load_suite_settings(const std::string& path, bool must_exist);

/// The rows, named "section.key", for the man-page check.
std::vector<DirectiveText> suite_directives();

}  // namespace latchkey::config
