// SPDX-License-Identifier: GPL-2.0-or-later
// Requests on the channel: round trips, and what the monitor does not take.
#include "fwknopd/requests.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "fwknopd/policy.h"
#include "t/lib/seed.h"

namespace latchkey::fwknopd {
namespace {

AccessRequest sample_access() {
  AccessRequest request;
  request.stanza = 1;
  request.packet_source = net::IpAddress::v4(0x0a000002);
  request.packet_destination = net::IpAddress::v4(0x0a000001);
  request.allowed = net::IpAddress::v4(0x0a000003);
  request.kind = RequestKind::forward_nat;
  request.services = {{Protocol::tcp, 22}, {Protocol::udp, 53}};
  request.nat = NatTarget{"inner.example", 8080};
  request.client_timeout_s = 30;
  return request;
}

/// Every prefix and every extension of the encoding is refused; a flipped bit never crashes.
template <class Request, class Decode>
void check_encoding(const Request& request, Decode decode) {
  const Bytes bytes = encode(request);
  EXPECT_EQ(decode(bytes), request);
  for (std::size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(decode(ByteView(bytes).first(length)));
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode(longer));
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    Bytes flipped = bytes;
    flipped[i / 8] ^= std::byte{1} << (i % 8);
    static_cast<void>(decode(flipped));
  }
}

TEST(Requests, round_trip_and_refuse_every_other_length) {
  check_encoding(sample_access(), decode_access_request);
  AccessRequest plain = sample_access();
  plain.kind = RequestKind::access;
  plain.nat.reset();
  check_encoding(plain, decode_access_request);
  check_encoding(CommandRequest{2, plain.packet_source, plain.allowed, "touch /tmp/f"}, decode_command_request);
  check_encoding(CycleRequest{plain, net::IpAddress(), 1795216400}, decode_cycle_request);
  SeededRng rng(test::seed());
  ReplayEntry entry{{}, 17, 1, 2, 3, 4, 5};
  ASSERT_TRUE(rng.fill(entry.digest));
  check_encoding(entry, decode_replay_entry);
}

TEST(Requests, fields_out_of_range_are_refused) {
  AccessRequest request = sample_access();
  request.nat->host = std::string(71, 'a');
  EXPECT_FALSE(decode_access_request(encode(request)));
  request = sample_access();
  request.services.assign(65, {Protocol::tcp, 22});
  EXPECT_FALSE(decode_access_request(encode(request)));
  request = sample_access();
  request.services = {{static_cast<Protocol>(1), 22}};
  EXPECT_FALSE(decode_access_request(encode(request)));
  request = sample_access();
  request.kind = static_cast<RequestKind>(3);
  EXPECT_FALSE(decode_access_request(encode(request)));
  EXPECT_FALSE(decode_command_request(encode(CommandRequest{0, {}, {}, std::string(256, 'a')})));
}

// --- what the monitor judges again --------------------------------------------------------------------------------

Stanza open_stanza() {
  Stanza stanza;
  stanza.source = AddressList({{0, 0}});
  return stanza;
}

TEST(Policy, lifetimes) {
  Stanza stanza = open_stanza();
  EXPECT_EQ(rule_lifetime(stanza, 0).count(), 30);
  EXPECT_EQ(rule_lifetime(stanza, 5).count(), 5);
  EXPECT_EQ(rule_lifetime(stanza, 300).count(), 300);
  EXPECT_EQ(rule_lifetime(stanza, 301).count(), 300);
  stanza.fw_access_timeout = std::chrono::seconds(20);
  stanza.max_fw_timeout = std::chrono::seconds(10);
  EXPECT_EQ(rule_lifetime(stanza, 0).count(), 10);
  stanza.cycle = CommandCycle{"a", "b", std::chrono::seconds(7)};
  EXPECT_EQ(cycle_lifetime(stanza, 0).count(), 7);
  EXPECT_EQ(cycle_lifetime(stanza, 9999).count(), 9999);
  stanza.max_fw_timeout_is_set = true;
  EXPECT_EQ(cycle_lifetime(stanza, 9999).count(), 10);
}

TEST(Policy, port_lists_are_sets) {
  Stanza stanza = open_stanza();
  const Service ssh{Protocol::tcp, 22}, web{Protocol::tcp, 80};
  EXPECT_TRUE(allows_services(stanza, {ssh, web}));
  stanza.open_ports = PortSet({ssh, ssh});
  EXPECT_TRUE(allows_services(stanza, {ssh}));
  EXPECT_TRUE(allows_services(stanza, {ssh, ssh}));
  EXPECT_FALSE(allows_services(stanza, {ssh, web}));
  stanza.restrict_ports = PortSet({ssh});
  EXPECT_FALSE(allows_services(stanza, {ssh}));
}

TEST(Policy, a_sensor_that_was_taken_over_gets_nothing_that_a_packet_could_not) {
  Settings settings;
  Stanza stanza = open_stanza();
  AccessRequest request = sample_access();
  const auto refused = [&] { return check_access(settings, stanza, request, 1000).has_value(); };
  EXPECT_TRUE(refused()) << "NAT is off";
  settings.firewall.forwarding = true;
  EXPECT_FALSE(refused());
  request.nat.reset();
  EXPECT_TRUE(refused()) << "NAT without target";
  request.kind = RequestKind::local_nat;
  request.nat = NatTarget{"127.0.0.1", 22};
  EXPECT_TRUE(refused()) << "local NAT is off";
  settings.firewall.local_nat = true;
  EXPECT_FALSE(refused());
  request.kind = RequestKind::access;
  EXPECT_TRUE(refused()) << "a target without NAT";
  request.nat.reset();
  EXPECT_FALSE(refused());
  stanza.open_ports = PortSet({{Protocol::tcp, 443}});
  EXPECT_TRUE(refused()) << "OPEN_PORTS";
  stanza.open_ports = PortSet();
  EXPECT_TRUE(refused()) << "PERMIT_CLIENT_PORTS N of fwknop 1.9: no port at all";
  stanza.open_ports.reset();
  stanza.expires_at_s = 999;
  EXPECT_TRUE(refused()) << "expired";
  stanza.expires_at_s = 1000;
  EXPECT_FALSE(refused()) << "the last second";
  stanza.expires_at_s.reset();
  stanza.destination = AddressList({{0xc0a80000, 0xffff0000}});
  EXPECT_TRUE(refused()) << "DESTINATION";
  stanza.destination.reset();
  stanza.source = AddressList({{0xc0a80000, 0xffff0000}});
  EXPECT_TRUE(refused()) << "SOURCE";
  stanza.source = AddressList({{0, 0}});
  request.services.clear();
  EXPECT_TRUE(refused()) << "no port";
  request.services = {{Protocol::tcp, 22}};
  settings.test_mode = true;
  EXPECT_TRUE(refused()) << "--test";
  settings.test_mode = false;
  stanza.cycle = CommandCycle{"a", "b", std::chrono::seconds(7)};
  EXPECT_TRUE(refused()) << "a stanza with commands has no rules";
}

TEST(Policy, a_cycle_needs_what_a_rule_needs) {
  Settings settings;
  Stanza stanza = open_stanza();
  CycleRequest request{sample_access(), {}, 0};
  request.access.kind = RequestKind::access;
  const auto refused = [&] { return check_cycle(settings, stanza, request, 1000).has_value(); };
  EXPECT_TRUE(refused()) << "a stanza without commands";
  stanza.cycle = CommandCycle{"a", "b", std::chrono::seconds(7)};
  EXPECT_FALSE(refused());
  stanza.expires_at_s = 999;
  EXPECT_TRUE(refused()) << "expired";
  stanza.expires_at_s.reset();
  settings.test_mode = true;
  EXPECT_TRUE(refused()) << "--test";
  settings.test_mode = false;
  request.access.kind = RequestKind::forward_nat;
  EXPECT_TRUE(refused()) << "NAT is off";
  request.access.kind = RequestKind::access;
  stanza.open_ports = PortSet({{Protocol::tcp, 443}});
  EXPECT_TRUE(refused()) << "OPEN_PORTS";
  stanza.open_ports.reset();
  request.access.services.clear();
  EXPECT_TRUE(refused()) << "no port: $PORT would be anything";
}

TEST(Policy, a_command_needs_its_stanza) {
  Settings settings;
  Stanza stanza = open_stanza();
  const CommandRequest command{0, sample_access().packet_source, sample_access().allowed, "id"};
  const auto refused = [&] { return check_command(settings, stanza, command, 1000).has_value(); };
  EXPECT_TRUE(refused()) << "ENABLE_CMD_EXEC is off";
  stanza.enable_cmd_exec = true;
  EXPECT_FALSE(refused());
  stanza.cycle = CommandCycle{"a", "b", std::chrono::seconds(7)};
  EXPECT_TRUE(refused()) << "a command cycle runs no other commands";
  stanza.cycle.reset();
  stanza.expires_at_s = 999;
  EXPECT_TRUE(refused()) << "expired";
  stanza.expires_at_s.reset();
  stanza.source = AddressList({{0xc0a80000, 0xffff0000}});
  EXPECT_TRUE(refused()) << "SOURCE";
  stanza.source = AddressList({{0, 0}});
  settings.test_mode = true;
  EXPECT_TRUE(refused()) << "--test";
}

}  // namespace
}  // namespace latchkey::fwknopd
