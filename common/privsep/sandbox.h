// SPDX-License-Identifier: GPL-2.0-or-later
// The system-call filter, one profile a kind of process.
#pragma once
#include "common/base/result.h"

namespace latchkey::privsep {

/// knockd_sensor, fwknopd_sensor: read packets, talk to the monitor, keep time, use memory; fwknopd's may also accept
/// connections of a listening socket. Opening a file fails with
/// EACCES, because libraries try that in good faith; every other call kills the process.
/// gpg_helper: may start gpg. No network, no tracing, no mounts, no modules, no namespaces: those fail with EPERM.
enum class Profile { knockd_sensor, fwknopd_sensor, gpg_helper };

/// False in builds for Valgrind and the sanitizers (configure --disable-sandbox), which need calls of their own.
bool has_system_call_filter();

/// Installs the filter in the calling process, for good; children inherit it. Needs NO_NEW_PRIVS. Without
/// has_system_call_filter(): does nothing. Error: what libseccomp or the kernel says.
Result<void> install_system_call_filter(Profile profile);

}  // namespace latchkey::privsep
