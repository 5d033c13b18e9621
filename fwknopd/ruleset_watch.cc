// SPDX-License-Identifier: GPL-2.0-or-later
// Notifications of nfnetlink's nftables group: how many transactions there were, not what they did.
#include "fwknopd/ruleset_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace latchkey::fwknopd {

Result<std::unique_ptr<RulesetWatch>> RulesetWatch::open(os::EventLoop& loop, std::function<void()> on_change) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!socket) return fail(os_error("nfnetlink"));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (NFNLGRP_NFTABLES - 1);
  if (::bind(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof address) != 0) {
    return fail(os_error("nfnetlink"));
  }
  std::unique_ptr<RulesetWatch> watch(new RulesetWatch(loop, std::move(socket), std::move(on_change)));
  const auto watched = loop.watch(watch->socket_.get(), os::readable, [raw = watch.get()](unsigned) {
    if (raw->drain()) raw->on_change_();
  });
  if (!watched) return fail(Error{watched.error()});
  return watch;
}

RulesetWatch::RulesetWatch(os::EventLoop& loop, Fd socket, std::function<void()> on_change)
    : loop_(loop), socket_(std::move(socket)), on_change_(std::move(on_change)) {}

RulesetWatch::~RulesetWatch() { loop_.unwatch(socket_.get()); }

std::uint64_t RulesetWatch::count_changes() {
  drain();
  return changes_;
}

/// Every transaction ends with one message about the new generation. Lost messages (ENOBUFS) are changes, too.
bool RulesetWatch::drain() {
  constexpr std::uint16_t new_generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
  bool has_read = false;
  for (;;) {
    const ssize_t length = ::recv(socket_.get(), buffer_.get(), longest_message_bytes, 0);
    if (length < 0 && errno != ENOBUFS) return has_read;
    has_read = true;
    if (length < 0) changes_ += 2;
    std::size_t at = 0;
    nlmsghdr header{};
    while (length > 0 && at + sizeof header <= static_cast<std::size_t>(length)) {
      std::memcpy(&header, buffer_.get() + at, sizeof header);
      if (header.nlmsg_type == new_generation) ++changes_;
      at += std::max<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), sizeof header);
    }
  }
}

}  // namespace latchkey::fwknopd
