// SPDX-License-Identifier: GPL-2.0-or-later
// Packet sources: where SPA packets come from, as an event loop sees them (spec/fwknopd-runtime.md 1).
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/log/logger.h"
#include "common/os/event_loop.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/pipeline.h"

namespace latchkey::fwknopd {

/// What a source tells its owner.
struct SourceEvents {
  std::function<void(const SpaPacket&)> on_packet;  ///< passed the pre-checks of 1.4
  std::function<void()> on_limit;                   ///< as many packets as the limit came in
  std::function<void()> on_down;                    ///< the interface is down, or has been deleted
  std::function<void()> on_failure;                 ///< capturing has ended for good; a line said why
};

class PacketSource {
 public:
  virtual ~PacketSource() = default;
  /// Begins to deliver from the loop.
  virtual void start() = 0;
};

struct SourceContext {
  const Settings& settings;
  log::Logger& log;
  os::EventLoop& loop;
  SourceEvents events;
};

/// libpcap, live or from a file. Opens with all lines of 1.2; nullptr after a line that says why not. Everything in
/// `context` outlives it.
std::unique_ptr<PacketSource> open_capture_source(SourceContext context);

/// The UDP server (1.6); nullptr after its lines.
std::unique_ptr<PacketSource> open_udp_source(SourceContext context);

/// The dummy TCP server (1.7): accepts, holds and closes connections, so that clients can send the packets that the
/// capture sees. Delivers nothing. Never nullptr: without a socket it has said so and does nothing.
std::unique_ptr<PacketSource> open_tcp_acceptor(SourceContext context);

}  // namespace latchkey::fwknopd
