// SPDX-License-Identifier: GPL-2.0-or-later
// PacketQueue: a queue of netfilter, whose packets wait in the kernel for a verdict (libnetfilter_queue).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace latchkey::net {

struct QueuedPacket {
  std::uint32_t id = 0;
  bool is_for_this_host = false;  ///< queued on its way to a local process, not to be forwarded or sent
  ByteView bytes;                 ///< from the IP header on, at most most_queued_bytes
};

/// Longer packets are cut.
inline constexpr std::uint16_t most_queued_bytes = 2048;

/// The socket is made and bound with CAP_NET_ADMIN, which each verdict needs, too; reading needs no privilege. So one
/// process may read from it while the one that it was forked from gives the verdicts.
class PacketQueue {
 public:
  /// Packets that got no verdict are dropped at the end.
  virtual ~PacketQueue() = default;
  virtual int fd() const = 0;
  /// Takes what one message of the kernel holds, which may be nothing, without waiting. Error: of the socket.
  virtual Result<void> read(const std::function<void(const QueuedPacket&)>& take) = 0;
  /// A packet that does not exist gets no verdict, silently.
  virtual void decide(std::uint32_t id, bool is_dropped) = 0;
};

/// False: configure has left it out, and open_packet_queue() always fails.
bool has_packet_queue();

/// The error text and `warnings` are those of fwknopd (spec/fwknopd-runtime.md 1.9). As long as nobody has opened the
/// queue, the kernel drops what a rule sends there.
Result<std::unique_ptr<PacketQueue>> open_packet_queue(std::uint16_t number, std::vector<std::string>& warnings);

}  // namespace latchkey::net
