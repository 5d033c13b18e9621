// SPDX-License-Identifier: GPL-2.0-or-later
// The system-call filter, one profile a kind of process.
#pragma once
#include "common/base/result.h"

namespace latchkey::privsep {

/// knockd_sensor, fwknopd_sensor: read packets, talk to the monitor, keep time, use memory; fwknopd's may also accept
/// connections of a listening socket. They send on one descriptor only: their packet sockets could send whatever packet
/// they like. Opening a file fails with EACCES, because libraries try that in good faith; every other call kills the
/// process.
/// gpg_helper: may start gpg. No network, no tracing, no mounts, no modules, no namespaces: those fail with EPERM.
enum class Profile { knockd_sensor, fwknopd_sensor, gpg_helper };

/// False in builds for Valgrind and the sanitizers (configure --disable-sandbox), which need calls of their own.
bool has_system_call_filter();

/// Descriptors of a sensor that its filter knows by number. Duplicating one is not allowed.
struct SensorDescriptors {
  int channel = -1;     ///< what it may send on
  int report = -1;      ///< what it may write to, beside its standard streams, which are /dev/null
  int first_spare = 0;  ///< those below cannot be closed
};

/// Installs the filter in the calling process, for good; children inherit it. Needs NO_NEW_PRIVS. Without
/// has_system_call_filter(): does nothing. Error: what libseccomp or the kernel says.
Result<void> install_system_call_filter(Profile profile, const SensorDescriptors& descriptors = {});

}  // namespace latchkey::privsep
