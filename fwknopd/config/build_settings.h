// SPDX-License-Identifier: GPL-2.0-or-later
// From texts to Settings: defaults, ranges and cross-checks in the peer's order (spec/fwknopd-config.md 2, step 5, and
// 6).
#pragma once
#include <optional>

#include "fwknopd/config/command_line.h"
#include "fwknopd/config/conf_file.h"
#include "fwknopd/config/report.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// VERBOSE, which is converted before the rest of the command line is read. nullopt: an error was reported.
std::optional<unsigned> read_verbosity(const ConfTexts& texts, Report& report);

/// `verbosity`: of the files; that of the command line is added. nullopt: an error was reported. The chain strings in
/// use and SYSLOG_FACILITY are checked later, as by the peer.
std::optional<Settings> build_settings(ConfTexts texts, unsigned verbosity, const CommandLine& line, Report& report);

/// SYSLOG_FACILITY as a number; nullopt for a text that is none.
std::optional<int> parse_syslog_facility(std::string_view text);

/// Step 10: positions in the chain strings that are in use. False: an error was reported.
bool parse_chains(Settings& settings, Report& report);

}  // namespace latchkey::fwknopd
