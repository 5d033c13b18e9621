// SPDX-License-Identifier: GPL-2.0-or-later
// Local addresses, the network watcher, the resolver and the client sockets, on the loopback interface.
#include "common/net/interfaces.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>

#include "common/net/host_text.h"
#include "common/net/resolver.h"
#include "common/net/send.h"
#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

TEST(LocalAddresses, are_those_of_getifaddrs_in_its_order) {
  ifaddrs* list = nullptr;
  ASSERT_EQ(getifaddrs(&list), 0);
  std::vector<std::pair<std::string, IpAddress>> wanted;
  for (const ifaddrs* item = list; item; item = item->ifa_next) {
    if (!item->ifa_addr || (item->ifa_addr->sa_family != AF_INET && item->ifa_addr->sa_family != AF_INET6)) continue;
    sockaddr_storage storage{};
    memcpy(&storage, item->ifa_addr, item->ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    wanted.emplace_back(item->ifa_name, from_native(storage)->address);
  }
  freeifaddrs(list);
  const auto found = local_addresses();
  ASSERT_TRUE(found);
  std::vector<std::pair<std::string, IpAddress>> seen;
  for (const LocalAddress& address : *found) seen.emplace_back(address.label, address.address);
  EXPECT_EQ(seen, wanted);
}

TEST(LocalAddresses, of_a_device_include_labelled_ones) {
  const auto row = [](const char* address, const char* label, const char* interface) {
    return LocalAddress{.address = *parse_ip_address(address), .label = label, .interface = interface};
  };
  const std::vector<LocalAddress> all = {row("127.0.0.1", "lo", "lo"), row("10.9.0.1", "kd0", "kd0"),
                                         row("10.9.0.2", "kd0:1", "kd0"), row("fd00:9::1", "kd0", "kd0")};
  EXPECT_EQ(addresses_of(all, "kd0").size(), 3u);
  ASSERT_EQ(addresses_of(all, "kd0:1").size(), 1u);
  EXPECT_EQ(addresses_of(all, "kd0:1")[0].address, all[2].address);
  EXPECT_TRUE(addresses_of(all, "any").empty());
  EXPECT_EQ(device_of_label("kd0:1"), "kd0");
  EXPECT_EQ(device_of_label("kd0"), "kd0");
}

TEST(SourceAddress, is_chosen_by_the_route) {
  EXPECT_EQ(source_address_for(*parse_ip_address("127.0.0.2")).value(), *parse_ip_address("127.0.0.1"));
}

TEST(NetworkWatcher, has_nothing_to_tell_at_first) {
  auto watcher = NetworkWatcher::open();
  ASSERT_TRUE(watcher);
  EXPECT_GE(watcher->fd(), 0);
  EXPECT_TRUE(watcher->read_changes());
}

TEST(Resolver, keeps_system_order_without_doubles) {
  const auto found = resolve("127.0.0.1", "80");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::vector<SocketAddress>{{.address = IpAddress::v4(0x7f000001), .port = 80}}));
  EXPECT_EQ(resolve("::1", "")->front().address, *parse_ip_address("::1"));
  EXPECT_EQ(format_host(resolve("fe80::1%lo", "7")->front()), "fe80::1%lo");
}

TEST(Resolver, gives_the_text_of_getaddrinfo) {
  const auto wrong_family = resolve("127.0.0.1", "9", {.family = Family::v6});
  ASSERT_FALSE(wrong_family);
  EXPECT_EQ(wrong_family.error().text, "Address family for hostname not supported");
  const auto wrong_service = resolve("127.0.0.1", "nosuchsvc");
  ASSERT_FALSE(wrong_service);
  EXPECT_EQ(wrong_service.error().text, "Servname not supported for ai_socktype");
}

/// A listening or bound socket on the loopback interface.
struct Receiver {
  Fd socket;
  SocketAddress address;
};
Receiver open_receiver(int type) {
  Receiver receiver{Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), {}};
  const NativeAddress own({.address = IpAddress::v4(0x7f000001)});
  EXPECT_EQ(::bind(receiver.socket.get(), own.get(), own.length()), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(receiver.socket.get(), 4), 0);
  }
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(receiver.socket.get(), as_sockaddr(&storage), &length);
  receiver.address = *from_native(storage);
  return receiver;
}

TEST(Client, sends_one_datagram_from_the_wanted_port) {
  const Receiver receiver = open_receiver(SOCK_DGRAM);
  std::uint16_t wanted = open_receiver(SOCK_DGRAM).address.port;  // free again
  const auto client = open_client(ClientTransport::udp, {receiver.address}, wanted);
  ASSERT_TRUE(client);
  EXPECT_FALSE(client->bind_failure);
  EXPECT_EQ(send_payload(*client, as_bytes("spa")).value(), 3u);
  std::array<char, 16> buffer{};
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  EXPECT_EQ(::recvfrom(receiver.socket.get(), buffer.data(), buffer.size(), 0, as_sockaddr(&from), &length), 3);
  EXPECT_EQ(from_native(from)->port, wanted);
}

TEST(Client, tries_every_address_and_tells_the_last_error) {
  const Receiver receiver = open_receiver(SOCK_STREAM);
  SocketAddress closed = receiver.address;
  closed.port = open_receiver(SOCK_STREAM).address.port;
  const auto client = open_client(ClientTransport::tcp, {closed, receiver.address});
  ASSERT_TRUE(client);
  EXPECT_EQ(client->peer, receiver.address);
  const std::string text(100000, 'x');
  EXPECT_EQ(send_payload(*client, as_bytes(text)).value(), text.size());
  const auto refused = open_client(ClientTransport::tcp, {closed});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().stage, SendStage::connect);
  EXPECT_EQ(refused.error().cause.text, "Connection refused");
}

TEST(Client, uses_another_port_when_the_wanted_one_is_taken) {
  const Receiver listener = open_receiver(SOCK_STREAM);
  const auto client = open_client(ClientTransport::tcp, {listener.address}, listener.address.port);
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->bind_failure);
}

TEST(Knock, is_one_zero_byte_or_one_connection_attempt) {
  const Receiver udp = open_receiver(SOCK_DGRAM);
  ASSERT_TRUE(knock_udp(udp.address));
  std::array<char, 4> buffer{'x'};
  EXPECT_EQ(::recv(udp.socket.get(), buffer.data(), buffer.size(), 0), 1);
  EXPECT_EQ(buffer[0], '\0');
  const Receiver tcp = open_receiver(SOCK_STREAM);
  EXPECT_TRUE(knock_tcp(tcp.address));
  EXPECT_TRUE(knock_tcp({.address = *parse_ip_address("255.255.255.255"), .port = 1}));
}

TEST(SocketAddress, prints_its_zone) {
  EXPECT_EQ(format_host({.address = *parse_ip_address("fe80::1"), .scope_id = 1}), "fe80::1%lo");
  EXPECT_EQ(format_host({.address = *parse_ip_address("fe80::1"), .scope_id = 999999}), "fe80::1%999999");
  EXPECT_EQ(format_host({.address = *parse_ip_address("10.0.0.1")}), "10.0.0.1");
}

}  // namespace
}  // namespace latchkey::net
