// SPDX-License-Identifier: GPL-2.0-or-later
// Going to the background, with a launcher that waits until the daemon is ready and exits with its verdict.
#pragma once
#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

/// In the daemon, between fork and readiness.
class DaemonStart {
 public:
  /// A start in the foreground: ready() does nothing.
  DaemonStart() = default;
  explicit DaemonStart(Fd pipe) : pipe_(std::move(pipe)) {}
  /// Standard streams to /dev/null, working directory "/", launcher exits 0.
  Result<void> ready();

 private:
  Fd pipe_;
};

/// Forks and returns in the new process, leader of a session, streams and folder still those of the launcher. The
/// launcher never returns: it exits 0 after ready(), else with the exit status of the daemon (128 + signal, never 0).
/// Error: no pipe, no process.
Result<DaemonStart> daemonize();

/// Opens /dev/null on each of the descriptors 0, 1, 2 that is closed, so that no later file takes their number.
Result<void> open_standard_streams();

}  // namespace latchkey::os
