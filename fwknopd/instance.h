// SPDX-License-Identifier: GPL-2.0-or-later
// Instance: one daemon a pid file; log routing and locale of the process (spec/fwknopd-config.md 9, 11).
#pragma once
#include <optional>
#include <string>

#include "common/log/logger.h"
#include "common/os/pid_file.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// Step 7: foreground to standard error, else syslog; --syslog-enable adds syslog. `is_listing`: --fw-list and the
/// like, which log to standard error.
void route_log(const Settings& settings, bool is_listing, log::Logger& log);

/// LOCALE, unless it begins with NONE.
void set_locale(const Settings& settings, log::Logger& log);

class Instance {
 public:
  explicit Instance(log::Logger& log) : log_(log) {}

  /// What the peer says about a pid file before it tries to lock it.
  static void look_at_pid_file(const Settings& settings);

  /// Locks and writes the pid file for the life of this object. False: another instance holds it, told. Any other
  /// trouble is told, and the daemon runs without.
  bool take(const Settings& settings);
  /// After a reload. True: there is another pid file now. One that another instance holds is told, and the old one
  /// kept.
  bool renew(const Settings& settings);

 private:
  log::Logger& log_;
  std::optional<os::PidFile> pid_file_;
  std::string path_;
};

}  // namespace latchkey::fwknopd
