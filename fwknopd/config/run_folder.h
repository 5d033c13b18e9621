// SPDX-License-Identifier: GPL-2.0-or-later
// FWKNOP_RUN_DIR: there, or made (spec/fwknopd-config.md 7).
#pragma once
#include <string>

#include "common/log/logger.h"

namespace latchkey::fwknopd {

/// False: told, and the program ends.
bool prepare_run_folder(const std::string& path, log::Logger& log);

}  // namespace latchkey::fwknopd
