// SPDX-License-Identifier: GPL-2.0-or-later
// LoopChannel: a Channel driven by the event loop.
#pragma once
#include <functional>

#include "common/os/event_loop.h"
#include "common/privsep/channel.h"

namespace latchkey::privsep {

class LoopChannel {
 public:
  /// False: the message is not one that may come now; the channel ends with the error EBADMSG.
  using OnMessage = std::function<bool(const Message&)>;
  /// Called at most once, from the loop or from send(); the channel is closed and silent afterwards. The callback may
  /// not destroy the LoopChannel: leave that to a timer of the loop.
  using OnEnd = std::function<void(const Error&)>;

  /// `loop` outlives this object.
  LoopChannel(os::EventLoop& loop, Channel channel, OnMessage on_message, OnEnd on_end);
  ~LoopChannel();
  LoopChannel(const LoopChannel&) = delete;
  LoopChannel& operator=(const LoopChannel&) = delete;

  /// After an end: does nothing.
  void send(std::uint16_t type, ByteView payload);
  /// Ends it from this side: no callback from then on, also when it is called from one.
  void close();
  bool is_open() const { return channel_.is_open(); }
  std::size_t queued_bytes() const { return channel_.queued_bytes(); }
  /// Stops and restarts reading, for a receiver that is full.
  void pause(bool is_paused);

 private:
  void serve(unsigned ready);
  void update_interest();
  void end(const Error& error);

  os::EventLoop& loop_;
  Channel channel_;
  OnMessage on_message_;
  OnEnd on_end_;
  bool is_paused_ = false;
};

}  // namespace latchkey::privsep
