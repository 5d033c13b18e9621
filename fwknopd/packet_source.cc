// SPDX-License-Identifier: GPL-2.0-or-later
// The pre-checks that captured and queued packets share (spec/fwknopd-runtime.md 1.4).
#include "fwknopd/packet_source.h"

#include "common/spa/types.h"

namespace latchkey::fwknopd {
namespace {

/// Longer ones are jumbo frames, or segments that the kernel merged: never SPA.
constexpr std::size_t largest_frame = 1514;
constexpr std::size_t tag_bytes = 4;
constexpr std::size_t snap_bytes = 4;

/// What fails is dropped without a word.
bool is_candidate(const net::PacketView& view, std::size_t wire_length) {
  const std::size_t limit = largest_frame + tag_bytes * view.vlan_depth + (view.is_snap ? snap_bytes : 0);
  if (view.fault != net::PacketFault::none || view.ip_version != 4 || wire_length > limit) return false;
  if (view.is_cut || view.is_fragment()) return false;
  if (view.protocol != net::IpProtocol::tcp && view.protocol != net::IpProtocol::udp &&
      view.protocol != net::IpProtocol::icmp) {
    return false;
  }
  return view.payload.size() >= spa::limit::least_payload && view.payload.size() <= spa::limit::most_payload;
}

}  // namespace

std::optional<SpaPacket> find_candidate(const net::PacketView& view, std::size_t wire_length) {
  if (!is_candidate(view, wire_length)) return std::nullopt;
  return SpaPacket{view.payload,
                   view.source,
                   view.destination,
                   view.destination,
                   static_cast<std::uint8_t>(view.protocol),
                   view.source_port,
                   view.destination_port};
}

}  // namespace latchkey::fwknopd
