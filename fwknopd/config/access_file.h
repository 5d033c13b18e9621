// SPDX-License-Identifier: GPL-2.0-or-later
// access.conf and everything that it includes, read into stanzas (spec/fwknopd-config.md 12, 13).
#pragma once
#include <optional>
#include <vector>

#include "fwknopd/config/report.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

/// Reads ACCESS_FOLDER when it is set, else ACCESS_FILE. nullopt: an error was reported. Never an empty list.
std::optional<std::vector<Stanza>> read_access(const Settings& settings, Report& report);

}  // namespace latchkey::fwknopd
