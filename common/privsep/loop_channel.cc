// SPDX-License-Identifier: GPL-2.0-or-later
// A message channel in the event loop.
#include "common/privsep/loop_channel.h"

#include <cerrno>
#include <utility>

namespace latchkey::privsep {
namespace {

/// Messages of one turn, so that a busy other side does not keep the loop from its timers.
constexpr int messages_per_turn = 64;

}  // namespace

LoopChannel::LoopChannel(os::EventLoop& loop, Channel channel, OnMessage on_message, OnEnd on_end)
    : loop_(loop), channel_(std::move(channel)), on_message_(std::move(on_message)), on_end_(std::move(on_end)) {
  const auto watched = loop_.watch(channel_.fd(), os::readable, [this](unsigned ready) { serve(ready); });
  if (!watched) end(watched.error());
}

LoopChannel::~LoopChannel() { close(); }

void LoopChannel::send(std::uint16_t type, ByteView payload) {
  if (!channel_.is_open()) return;
  if (const auto sent = channel_.send(type, payload); !sent) return end(sent.error());
  update_interest();
}

void LoopChannel::close() {
  if (!channel_.is_open()) return;
  loop_.unwatch(channel_.fd());
  channel_.close();
}

void LoopChannel::pause(bool is_paused) {
  is_paused_ = is_paused;
  if (channel_.is_open()) update_interest();
}

void LoopChannel::serve(unsigned ready) {
  if (ready & os::writable) {
    if (const auto flushed = channel_.flush(); !flushed) return end(flushed.error());
  }
  for (int i = 0; i < messages_per_turn && (ready & os::readable) && !is_paused_ && channel_.is_open(); ++i) {
    auto message = channel_.receive();
    if (!message) return end(message.error());
    if (!*message) break;
    if (!on_message_(**message)) return end({"message channel: message out of order", EBADMSG});
  }
  if (channel_.is_open()) update_interest();
}

void LoopChannel::update_interest() {
  const unsigned interest = (is_paused_ ? 0u : os::readable) | (channel_.has_queued() ? os::writable : 0u);
  if (const auto set = loop_.set_interest(channel_.fd(), interest); !set) end(set.error());
}

void LoopChannel::end(const Error& error) {
  if (!channel_.is_open()) return;
  close();
  if (on_end_) on_end_(error);
}

}  // namespace latchkey::privsep
