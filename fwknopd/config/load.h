// SPDX-License-Identifier: GPL-2.0-or-later
// All files at once: for a reload, and for the configuration check.
#pragma once
#include <optional>

#include "common/base/fd.h"
#include "fwknopd/config/command_line.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/config/report.h"

namespace latchkey::fwknopd {

/// fwknopd.conf, overrides, access.conf and what they include. nullopt: an error was reported, nothing has changed.
std::optional<Configuration> load_configuration(const CommandLine& line, Report& report);

/// SYSLOG_FACILITY (step 7). False: an error was reported.
bool take_syslog_facility(Settings& settings, Report& report);

/// Can the firewall program be driven, if the stanzas need one? False: an error was reported.
bool check_firewall(const Settings& settings, const std::vector<Stanza>& stanzas, Report& report);

/// `--test-config`, and `--exit-parse-config` where it is asked to explain: every problem of the whole tree on standard
/// error, one a line. The exit status.
int check_configuration(const CommandLine& line, log::Logger& log);

/// After a failed --exit-parse-config -v, whose lines are the peer's: the same list, if an error in it stands in a
/// line.
void explain_failure(const CommandLine& line, log::Logger& log);

/// Runs load_configuration() in the folder where the program was started: relative paths keep their meaning.
class Reloader {
 public:
  Reloader(CommandLine line, log::Logger& log);
  std::optional<Configuration> load() const;

 private:
  CommandLine line_;
  log::Logger& log_;
  Fd folder_;
};

}  // namespace latchkey::fwknopd
