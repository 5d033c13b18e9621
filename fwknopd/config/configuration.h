// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration: everything that a running fwknopd consults, read completely before any of it is used.
#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

struct Configuration {
  Settings settings;
  std::vector<Stanza> stanzas;  ///< at least one
};

/// With command cycles alone, and with --test, no firewall program is ever run.
inline bool needs_firewall(const Settings& settings, const std::vector<Stanza>& stanzas) {
  return !settings.test_mode &&
         std::ranges::any_of(stanzas, [](const Stanza& stanza) { return !stanza.cycle.has_value(); });
}

/// For SIGHUP: reads all files again with the original command line, logs every diagnostic as at the start, and returns
/// nullopt when something is wrong (the caller keeps what it has and says so).
using Reload = std::function<std::optional<Configuration>()>;

}  // namespace latchkey::fwknopd
