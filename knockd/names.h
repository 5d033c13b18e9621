// SPDX-License-Identifier: GPL-2.0-or-later
// Names of knockers for log lines (-l), looked up in processes of their own, so that nothing waits for DNS.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/net/address.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"

namespace latchkey::knockd {

/// A host name that may go into a log line: letters, digits, '-', '_' and '.', at most 253.
bool is_plain_host_name(std::string_view name);

class Names {
 public:
  /// The references outlive this object; `user` is the account that looks up. `on_answer`: some look-up has ended.
  Names(os::EventLoop& loop, os::Children& children, std::string user, std::function<void()> on_answer);
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// Begins a look-up, unless one is running or its answer is younger than a minute. Too many at once: none is begun.
  void look_up(const net::IpAddress& address);
  bool is_pending(const net::IpAddress& address) const;
  /// "ADDRESS (NAME)" or "ADDRESS".
  std::string show(const net::IpAddress& address) const;

 private:
  struct Entry {
    std::optional<std::string> name;
    MonotonicTime asked{};
    pid_t pid = -1;  ///< of the look-up, while it runs
    Fd answer;
    os::TimerId limit;
  };
  void take_answer(const net::IpAddress& address);
  void finish(const net::IpAddress& address, std::optional<std::string> name);

  os::EventLoop& loop_;
  os::Children& children_;
  std::string user_;
  std::function<void()> on_answer_;
  std::unordered_map<net::IpAddress, Entry> entries_;
  std::size_t pending_ = 0;
};

}  // namespace latchkey::knockd
