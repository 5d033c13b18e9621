// SPDX-License-Identifier: GPL-2.0-or-later
// The system-call filter and the file-access rule set, one profile a kind of process.
#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"

namespace latchkey::privsep {

/// knockd_sensor, fwknopd_sensor: read packets, talk to the monitor, keep time, use memory; anything else kills the
/// process. gpg_helper: may start gpg; no network, no ptrace, no mounts, no kernel modules.
enum class Profile { knockd_sensor, fwknopd_sensor, gpg_helper };

/// Applies the profile to the calling process for good; call it last. Without LATCHKEY_SANDBOX (Valgrind, sanitizers)
/// it only sets NO_NEW_PRIVS. `notes` receives a line for each part that this kernel lacks.
Result<void> enter_sandbox(Profile profile, std::vector<std::string>& notes);

}  // namespace latchkey::privsep
