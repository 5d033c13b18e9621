// SPDX-License-Identifier: GPL-2.0-or-later
// RulesetWatch: the kernel's word that somebody changed the nftables rule set, so that an idle daemon need not look.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/fd.h"
#include "common/os/event_loop.h"

namespace latchkey::fwknopd {

class RulesetWatch {
 public:
  /// `loop` outlives this object. Error: the kernel has no such notifications.
  static Result<std::unique_ptr<RulesetWatch>> open(os::EventLoop& loop, std::function<void()> on_change);
  ~RulesetWatch();
  /// Transactions seen since opening, those included that are only now read; reading here does not call `on_change`.
  /// Two more for messages that the kernel lost, so that nobody takes them for one of his own.
  std::uint64_t count_changes();
  RulesetWatch(const RulesetWatch&) = delete;
  RulesetWatch& operator=(const RulesetWatch&) = delete;

 private:
  static constexpr std::size_t longest_message_bytes = 65536;

  RulesetWatch(os::EventLoop& loop, Fd socket, std::function<void()> on_change);
  /// False: nothing was waiting.
  bool drain();

  os::EventLoop& loop_;
  Fd socket_;
  std::function<void()> on_change_;
  std::uint64_t changes_ = 0;
  /// Not on the stack, where it would be filled for every look, and not filled here: messages are short.
  std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(longest_message_bytes);
};

}  // namespace latchkey::fwknopd
