// SPDX-License-Identifier: GPL-2.0-or-later
// Opening a capture, reading a packet as a knock, telling a flood.
#include "knockd/packet_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

// Link, IP and TCP headers with room for more: the shorter, the more packets wait in libpcap's buffer during a burst
// (5,000 instead of 32).
constexpr int headers_bytes = 256;
constexpr int most_of_knocks = 5;  // in a window; a single knock may have more
constexpr auto flood_window = std::chrono::milliseconds(10);
constexpr auto supported_link_types = std::to_array<net::LinkType>(
    {net::LinkType::ethernet, net::LinkType::sll, net::LinkType::raw, net::LinkType::raw_file});

Error open_error(const std::string& interface, const net::CaptureError& error) {
  return {fmt::format(texts::could_not_open, interface, error.text)};
}

}  // namespace

std::optional<MonotonicTime> FloodGuard::count(int packets, MonotonicTime now) {
  if (const auto age = now - window_begin_; age >= flood_window) {
    is_flood_ = packets_ > most_of_knocks && age < 2 * flood_window;
    window_begin_ = now;
    packets_ = 0;
  }
  packets_ += packets;
  if (!is_flood_) return std::nullopt;
  return window_begin_ + flood_window;
}

Result<PacketSource> open_packet_source(const std::string& interface, const std::string& replay_file) {
  auto capture = replay_file.empty()
                     ? net::Capture::open_live({.interface = interface, .snap_length_bytes = headers_bytes})
                     : net::Capture::open_file(replay_file);
  if (!capture) return fail(open_error(interface, capture.error()));
  const auto link = capture->link_type();
  if (std::ranges::find(supported_link_types, link) == supported_link_types.end())
    return fail(Error{fmt::format(texts::unsupported_link, static_cast<int>(link))});
  return PacketSource{interface, std::move(*capture)};
}

std::optional<Knock> read_knock(const net::PacketView& view) {
  const bool is_usable = view.fault == net::PacketFault::none || view.fault == net::PacketFault::bad_transport_header;
  if (!is_usable || !view.has_ports || view.vlan_depth != 0 || view.is_snap || view.extension_headers != 0)
    return std::nullopt;
  if (view.fragment_offset_bytes != 0) return std::nullopt;
  if (view.protocol != net::IpProtocol::tcp && view.protocol != net::IpProtocol::udp) return std::nullopt;
  return Knock{view.source, view.destination, {view.protocol, view.destination_port}, view.tcp_flags};
}

}  // namespace latchkey::knockd
