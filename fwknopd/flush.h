// SPDX-License-Identifier: GPL-2.0-or-later
// --fw-flush: takes away every rule of fwknopd's, also what an earlier configuration named.
#pragma once
#include "common/log/logger.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// Needs no access file. The state file is read, never written: a daemon may be at work with it.
void flush_all_rules(const Settings& settings, log::Logger& log);

}  // namespace latchkey::fwknopd
