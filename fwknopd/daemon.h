// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon: from a configuration to a running monitor and sensor (DESIGN, rule 5).
#pragma once
#include <functional>
#include <memory>

#include "common/log/logger.h"
#include "common/os/daemonize.h"
#include "common/privsep/confine.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/queue_capture.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::fwknopd {

/// Makes the sensor in its new process; see make_sensor().
using MakeSensor = std::function<Result<std::unique_ptr<privsep::ConfinedProgram>>(
    privsep::Channel channel, const Configuration& configuration, ReplayCache& cache, net::PacketQueue* queue)>;

struct DaemonOptions {
  Configuration configuration;
  Reload reload;
  log::Logger& log;
  /// From daemonize(), or a default one in the foreground: ready() is called when packets are captured.
  os::DaemonStart start;
  privsep::SandboxSettings sandbox;
  /// After a successful reload, before anything uses the new settings: log routing, pid file. True: the pid file is
  /// another one now, and the log says "Starting fwknopd" instead of "Re-starting fwknopd".
  std::function<bool(const Settings&)> on_new_settings;
  /// Empty: make_sensor(). Tests put a sensor that was taken over in its place.
  MakeSensor make_sensor;
  /// Empty: net::open_packet_queue(). Tests put a double of the kernel's queue in its place.
  OpenQueue open_queue;
};

/// Runs from the replay cache on (spec/fwknopd-config.md 2, steps 16 to 18; "Starting fwknopd" has been logged) to the
/// end of the daemon. Returns the exit status: 0 after a signal, the packet limit or --exit-parse-digest-cache, else 1.
/// `--fw-list` and the like: see fwknopd/firewall/firewall.h.
int run_daemon(DaemonOptions options);

}  // namespace latchkey::fwknopd
