// SPDX-License-Identifier: GPL-2.0-or-later
// Notifications of nfnetlink's nftables group; what they say does not matter, only that they came.
#include "fwknopd/ruleset_watch.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>

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
  const auto watched = loop.watch(watch->socket_.get(), os::readable, [raw = watch.get()](unsigned) { raw->read(); });
  if (!watched) return fail(Error{watched.error()});
  return watch;
}

RulesetWatch::RulesetWatch(os::EventLoop& loop, Fd socket, std::function<void()> on_change)
    : loop_(loop), socket_(std::move(socket)), on_change_(std::move(on_change)) {}

RulesetWatch::~RulesetWatch() { loop_.unwatch(socket_.get()); }

/// Lost messages (ENOBUFS) are a change, too.
void RulesetWatch::read() {
  std::array<char, 8192> buffer;
  for (;;) {
    const ssize_t length = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (length < 0 && errno == ENOBUFS) continue;
    if (length < 0) break;
  }
  on_change_();
}

}  // namespace latchkey::fwknopd
