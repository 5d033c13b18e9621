// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a packet of any link type: nothing is read beyond them, and the facts agree with each other.
#include <cstdlib>

#include "common/net/packet.h"

namespace {

using latchkey::ByteView;
using namespace latchkey::net;

void check(bool claim) {
  if (!claim) std::abort();
}

void parse_as(LinkType link, ByteView bytes) {
  const PacketView view = parse_packet(link, bytes);
  check(view.payload.size() <= bytes.size());
  check(view.ip_version == 0 || view.ip_version == view.version_nibble);
  check(!view.has_ports || view.fragment_offset_bytes == 0);
  if (view.fault == PacketFault::none) {
    check(view.payload_length >= view.payload.size());
    check(view.is_cut || view.payload_length == view.payload.size());
    check(view.ip_offset + view.ip_header_length + view.payload.size() <= bytes.size());
  }
  // Every byte of the payload is there to be read.
  unsigned sum = 0;
  for (const std::byte b : view.payload) sum += std::to_integer<unsigned>(b);
  check(sum <= 255 * view.payload.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  for (const int link : {0, 1, 9, 12, 51, 101, 108, 113, 228, 229, 276, 105}) parse_as(LinkType{link}, bytes);
  return 0;
}
