// SPDX-License-Identifier: GPL-2.0-or-later
// -S, -R, -K: asking and steering a running fwknopd (spec/fwknopd-config.md 9).
#pragma once
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// Each prints its verdict and returns the exit status. Nothing is ever written to the pid file.
int tell_status(const Settings& settings);
int send_restart(const Settings& settings);
int kill_daemon(const Settings& settings);

}  // namespace latchkey::fwknopd
