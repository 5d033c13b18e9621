// SPDX-License-Identifier: GPL-2.0-or-later
// Packet sources: where SPA packets come from, as an event loop sees them (spec/fwknopd-runtime.md 1).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/log/logger.h"
#include "common/net/packet.h"
#include "common/net/packet_queue.h"
#include "common/os/event_loop.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/pipeline.h"

namespace latchkey::fwknopd {

/// What a source tells its owner.
struct SourceEvents {
  std::function<void(const SpaPacket&)> on_packet;      ///< passed the pre-checks of 1.4
  std::function<void()> on_limit;                       ///< as many packets as the limit came in
  std::function<void()> on_down;                        ///< the interface is down, or has been deleted
  std::function<void()> on_failure;                     ///< capturing has ended for good; a line said why
  std::function<void(const QueueVerdict&)> on_verdict;  ///< for each packet of a netfilter queue, after `on_packet`
};

/// The pre-checks of 1.4 for a packet of so many bytes on the wire: what passes may be an SPA packet. Its payload is a
/// view into the parsed bytes.
std::optional<SpaPacket> find_candidate(const net::PacketView& view, std::size_t wire_length);

/// Errors in a row after which a source gives up.
inline constexpr int most_source_errors = 102;

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

/// A queue that the monitor has opened (1.9); `queue` outlives it.
std::unique_ptr<PacketSource> open_queue_source(SourceContext context, net::PacketQueue& queue);

/// The UDP server (1.6); nullptr after its lines.
std::unique_ptr<PacketSource> open_udp_source(SourceContext context);

/// The dummy TCP server (1.7): accepts, holds and closes connections, so that clients can send the packets that the
/// capture sees. Delivers nothing. Never nullptr: without a socket it has said so and does nothing.
std::unique_ptr<PacketSource> open_tcp_acceptor(SourceContext context);

}  // namespace latchkey::fwknopd
