// SPDX-License-Identifier: GPL-2.0-or-later
// Which packets are knocks, and when so many come that the sensor rests between them.
#include "knockd/packet_source.h"

#include <gtest/gtest.h>

#include <functional>

namespace latchkey::knockd {
namespace {

net::PacketView tcp_view() {
  net::PacketView view;
  view.source = net::IpAddress::v4(0x0a090002);
  view.destination = net::IpAddress::v4(0x0a090001);
  view.protocol = net::IpProtocol::tcp;
  view.has_ports = true;
  view.destination_port = 7000;
  view.tcp_flags = 2;
  return view;
}

// The capture filter passes few of these, and a packet whose VLAN tag the card has taken off only here gets it back.
TEST(ReadKnock, takes_plain_tcp_and_udp_only) {
  const auto knock = read_knock(tcp_view());
  ASSERT_TRUE(knock);
  EXPECT_EQ(knock->hit, (net::PortProto{net::IpProtocol::tcp, 7000}));
  EXPECT_EQ(knock->tcp_flags, 2);
  const std::pair<const char*, std::function<void(net::PacketView&)>> rows[] = {
      {"VLAN tag", [](auto& view) { view.vlan_depth = 1; }},
      {"SNAP", [](auto& view) { view.is_snap = true; }},
      {"extension header", [](auto& view) { view.extension_headers = 1; }},
      {"later fragment", [](auto& view) { view.fragment_offset_bytes = 8; }},
      {"cut header", [](auto& view) { view.has_ports = false; }},
      {"another protocol", [](auto& view) { view.protocol = net::IpProtocol::icmp; }},
      {"bad IP header", [](auto& view) { view.fault = net::PacketFault::bad_ip_header; }},
  };
  for (const auto& [name, change] : rows) {
    net::PacketView view = tcp_view();
    change(view);
    EXPECT_FALSE(read_knock(view)) << name;
  }
  net::PacketView first = tcp_view();
  first.more_fragments = true;
  EXPECT_TRUE(read_knock(first)) << "the first fragment has the ports";
}

TEST(FloodGuard, rests_only_when_packets_keep_coming) {
  using std::chrono::milliseconds;
  FloodGuard guard;
  const MonotonicTime begin(std::chrono::seconds(100));
  const auto at = [&](int ms) { return begin + milliseconds(ms); };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(guard.count(1, at(0)), std::nullopt) << "ten hits in one go";
  for (int ms = 20; ms < 200; ms += 2) EXPECT_EQ(guard.count(1, at(ms)), std::nullopt) << "500 a second";
  for (int ms = 200; ms < 210; ++ms) EXPECT_EQ(guard.count(1, at(ms)), std::nullopt) << "1,000 a second begin";
  EXPECT_EQ(guard.count(1, at(210)), at(220));
  for (int ms = 211; ms < 220; ++ms) guard.count(1, at(ms));
  for (int ms = 220; ms < 300; ms += 10) EXPECT_EQ(guard.count(10, at(ms)), at(ms + 10)) << ms;
  EXPECT_EQ(guard.count(1, at(300)), at(310)) << "one portion more";
  EXPECT_EQ(guard.count(1, at(310)), std::nullopt) << "it is over";
  EXPECT_EQ(guard.count(100, at(320)), std::nullopt);
  EXPECT_EQ(guard.count(1, at(400)), std::nullopt) << "a burst, long ago";
}

}  // namespace
}  // namespace latchkey::knockd
