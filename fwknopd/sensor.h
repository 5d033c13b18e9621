// SPDX-License-Identifier: GPL-2.0-or-later
// The sensor: the unprivileged process that captures, holds the keys and decides (DESIGN, rule 5).
#pragma once
#include <memory>

#include "common/base/result.h"
#include "common/net/packet_queue.h"
#include "common/privsep/confine.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::fwknopd {

/// Runs in the new process, still privileged: opens the packet sources and makes the keys ready. What cannot be opened
/// has its line in the log, and run() reports `capture_failed`. `configuration` outlives it; `cache` is this process's
/// copy by fork, and so is `queue`, nullptr where packets come another way.
Result<std::unique_ptr<privsep::ConfinedProgram>> make_sensor(privsep::Channel channel,
                                                              const Configuration& configuration, ReplayCache& cache,
                                                              net::PacketQueue* queue);

}  // namespace latchkey::fwknopd
