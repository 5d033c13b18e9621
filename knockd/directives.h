// SPDX-License-Identifier: GPL-2.0-or-later
// The directives of knockd.conf, one row each (spec/knockd.md 2.3).
#pragma once
#include <string_view>
#include <vector>

#include "common/config/directive.h"

namespace latchkey::knockd {

class ConfigReader;
using SetDirective = void (ConfigReader::*)(std::string_view value);

/// Looks in the directives of `[options]` or of doors; nullptr: there is no such one in that kind of section.
/// `key` is in lower case.
SetDirective find_setter(std::string_view key, bool is_in_options);

/// All rows, by their names in the man page.
std::vector<config::DirectiveText> directive_texts();

}  // namespace latchkey::knockd
