// SPDX-License-Identifier: GPL-2.0-or-later
// --fw-list and --fw-flush, of what a daemon has made by its access file, too, which these verbs do not read.
#pragma once
#include "common/log/logger.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// To standard output; `is_everything`: --fw-list-all.
void list_rules(const Settings& settings, bool is_everything, log::Logger& log);
/// Also what an earlier configuration named. The state file is read, never written: a daemon may be at work with it.
void flush_rules(const Settings& settings, log::Logger& log);

}  // namespace latchkey::fwknopd
