// SPDX-License-Identifier: GPL-2.0-or-later
// In place of packet_queue.cc in a build without libnetfilter_queue.
#include "common/net/packet_queue.h"

namespace latchkey::net {

bool has_packet_queue() { return false; }

Result<std::unique_ptr<PacketQueue>> open_packet_queue(std::uint16_t, std::vector<std::string>&) {
  return fail(Error{"[*] nfq_open error", 0});
}

}  // namespace latchkey::net
