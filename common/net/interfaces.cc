// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink: dumps of links and addresses, and the watcher.
#include "common/net/interfaces.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "common/base/bytes.h"
#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

/// A message of the kernel: header and what follows it.
struct Message {
  std::uint16_t type = 0;
  ByteView body;
};

template <class T>
std::optional<T> take(Cursor& cursor) {
  const auto bytes = cursor.take(sizeof(T));
  if (!bytes) return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

/// Everything in netlink is padded to four bytes; the last padding may be missing.
void skip_padded(Cursor& cursor, std::size_t length) {
  const std::size_t padded = NLMSG_ALIGN(length);
  cursor.skip(std::min(padded, cursor.rest().size()));
}

std::vector<Message> split_messages(ByteView bytes) {
  std::vector<Message> messages;
  Cursor cursor(bytes);
  for (;;) {
    Cursor peek = cursor;
    const auto header = take<nlmsghdr>(peek);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr)) return messages;
    const auto body = peek.take(header->nlmsg_len - sizeof(nlmsghdr));
    if (!body) return messages;
    messages.push_back({header->nlmsg_type, *body});
    skip_padded(cursor, header->nlmsg_len);
  }
}

template <class F>
void for_each_attribute(Cursor cursor, F&& f) {
  for (;;) {
    Cursor peek = cursor;
    const auto header = take<rtattr>(peek);
    if (!header || header->rta_len < sizeof(rtattr)) return;
    const auto value = peek.take(header->rta_len - sizeof(rtattr));
    if (!value) return;
    f(header->rta_type, *value);
    skip_padded(cursor, header->rta_len);
  }
}

std::string text_of(ByteView value) {
  const std::string_view text = as_text(value);
  return std::string(text.substr(0, text.find('\0')));
}

std::optional<LocalAddress> parse_address(ByteView body) {
  Cursor cursor(body);
  const auto header = take<ifaddrmsg>(cursor);
  if (!header || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)) return std::nullopt;
  LocalAddress found{.interface_index = header->ifa_index, .prefix_length = header->ifa_prefixlen};
  std::optional<IpAddress> local;
  std::optional<IpAddress> address;
  for_each_attribute(cursor, [&](unsigned type, ByteView value) {
    if (type == IFA_LOCAL) local = IpAddress::from_bytes(value);
    if (type == IFA_ADDRESS) address = IpAddress::from_bytes(value);
    if (type == IFA_LABEL) found.label = text_of(value);
  });
  // On point-to-point links IFA_ADDRESS is the other end.
  if (!local && !address) return std::nullopt;
  found.address = local ? *local : *address;
  return found;
}

std::optional<LinkChange> parse_link(const Message& message) {
  Cursor cursor(message.body);
  const auto header = take<ifinfomsg>(cursor);
  if (!header) return std::nullopt;
  LinkChange change{.interface_index = static_cast<unsigned>(header->ifi_index),
                    .is_up = (header->ifi_flags & IFF_UP) != 0 && message.type == RTM_NEWLINK,
                    .is_deleted = message.type == RTM_DELLINK};
  for_each_attribute(cursor, [&](unsigned type, ByteView value) {
    if (type == IFLA_IFNAME) change.name = text_of(value);
  });
  return change;
}

Result<Fd> open_netlink(unsigned groups) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return fail(os_error("netlink"));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(socket.get(), as_sockaddr(&address), sizeof address) != 0) return fail(os_error("netlink"));
  return socket;
}

/// One datagram. Only the kernel (port 0) is listened to; others give an empty datagram.
Result<ByteView> receive(int fd, int flags, std::span<std::byte> buffer) {
  sockaddr_nl from{};
  socklen_t length = sizeof from;
  for (;;) {
    const ssize_t got = ::recvfrom(fd, buffer.data(), buffer.size(), flags, as_sockaddr(&from), &length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(os_error("netlink"));
    if (from.nl_pid != 0) return ByteView{};
    return ByteView(buffer).first(static_cast<std::size_t>(got));
  }
}

constexpr std::size_t datagram_limit_bytes = 65536;

Result<void> dump(std::uint16_t request_type, const std::function<void(const Message&)>& handle) {
  auto socket = open_netlink(0);
  if (!socket) return fail(socket.error());
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
  request.header.nlmsg_type = request_type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.rtgen_family = AF_UNSPEC;
  if (::send(socket->get(), &request, sizeof request, 0) < 0) return fail(os_error("netlink"));
  std::vector<std::byte> buffer(datagram_limit_bytes);
  for (;;) {
    const auto datagram = receive(socket->get(), 0, buffer);
    if (!datagram) return fail(datagram.error());
    for (const Message& message : split_messages(*datagram)) {
      if (message.type == NLMSG_DONE) return {};
      if (message.type == NLMSG_ERROR) {
        Cursor cursor(message.body);
        const auto code = take<std::int32_t>(cursor);
        return fail(os_error("netlink", code ? -*code : EPROTO));
      }
      handle(message);
    }
  }
}

std::optional<NetworkChange> parse_change(const Message& message) {
  if (message.type == RTM_NEWADDR || message.type == RTM_DELADDR) {
    if (auto address = parse_address(message.body))
      return AddressChange{.is_added = message.type == RTM_NEWADDR, .address = std::move(*address)};
  }
  if (message.type == RTM_NEWLINK || message.type == RTM_DELLINK) {
    if (auto link = parse_link(message)) return std::move(*link);
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<LocalAddress>> local_addresses() {
  std::map<unsigned, std::string> names;
  auto links = dump(RTM_GETLINK, [&](const Message& message) {
    if (const auto link = parse_link(message)) names[link->interface_index] = link->name;
  });
  if (!links) return fail(links.error());
  std::vector<LocalAddress> found;
  auto addresses = dump(RTM_GETADDR, [&](const Message& message) {
    auto address = parse_address(message.body);
    if (!address) return;
    address->interface = names[address->interface_index];
    if (address->label.empty()) address->label = address->interface;
    found.push_back(std::move(*address));
  });
  if (!addresses) return fail(addresses.error());
  return found;
}

std::string_view device_of_label(std::string_view label) { return label.substr(0, label.find(':')); }

std::vector<LocalAddress> addresses_of(const std::vector<LocalAddress>& all, std::string_view name) {
  const bool is_label = name.find(':') != std::string_view::npos;
  std::vector<LocalAddress> own;
  for (const LocalAddress& address : all)
    if (is_label ? address.label == name : address.interface == name) own.push_back(address);
  return own;
}

Result<IpAddress> source_address_for(const IpAddress& destination) {
  const NativeAddress to({.address = destination, .port = 9});
  const Fd socket(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(os_error(""));
  // Connecting a datagram socket sends nothing; it makes the kernel choose a route.
  if (::connect(socket.get(), to.get(), to.length()) != 0) return fail(os_error(""));
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (::getsockname(socket.get(), as_sockaddr(&own), &length) != 0) return fail(os_error(""));
  const auto address = from_native(own);
  if (!address) return fail(os_error("", EAFNOSUPPORT));
  return address->address;
}

bool is_interface_up(const std::string& name) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return false;
  std::ranges::copy(name, request.ifr_name);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

Result<NetworkWatcher> NetworkWatcher::open() {
  auto socket = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
  if (!socket) return fail(socket.error());
  return NetworkWatcher(std::move(socket).value());
}

Result<std::vector<NetworkChange>> NetworkWatcher::read_changes() {
  std::vector<NetworkChange> changes;
  std::vector<std::byte> buffer(datagram_limit_bytes);
  for (;;) {
    const auto datagram = receive(socket_.get(), MSG_DONTWAIT, buffer);
    if (!datagram) {
      if (datagram.error().os_code == EAGAIN) return changes;
      if (datagram.error().os_code != ENOBUFS) return fail(datagram.error());
      changes.emplace_back(ChangesLost{});
      continue;
    }
    for (const Message& message : split_messages(*datagram))
      if (auto change = parse_change(message)) changes.push_back(std::move(*change));
  }
}

}  // namespace latchkey::net
