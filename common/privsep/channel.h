// SPDX-License-Identifier: GPL-2.0-or-later
// Channel: typed messages between the processes of one daemon, one message a datagram.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::privsep {

inline constexpr std::uint16_t channel_version = 1;
inline constexpr std::size_t max_payload_bytes = 64 * 1024;
inline constexpr std::size_t max_queued_messages = 4096;
inline constexpr std::size_t max_queued_bytes = 4 * 1024 * 1024;

/// `type` is a number of the program's own enum; the payload is encoded with Writer, decoded with Cursor.
struct Message {
  std::uint16_t type = 0;
  Bytes payload;
};

/// One datagram. Error: os_code EBADMSG for every one that is not exactly one frame of this version.
Result<Message> decode_frame(ByteView datagram);
Bytes encode_frame(std::uint16_t type, ByteView payload);

/// One end of a SOCK_SEQPACKET pair. Frame: version u16, type u16, payload length u32, payload; nothing may follow.
/// Every error of send() and receive() is final: the daemon (or sensor) ends.
class Channel {
 public:
  Channel() = default;
  explicit Channel(Fd fd) : fd_(std::move(fd)) {}
  /// Two connected ends, non-blocking, close-on-exec.
  static Result<std::pair<Channel, Channel>> make_pair();

  int fd() const { return fd_.get(); }
  bool is_open() const { return fd_.is_open(); }
  void close() { fd_.close(); }

  /// Sends now or queues; the order is kept. Error: the other end is gone, the payload or the queue is too large.
  Result<void> send(std::uint16_t type, ByteView payload);
  /// Sends of the queue what the socket takes. Call when writable and has_queued().
  Result<void> flush();
  bool has_queued() const { return !queue_.empty(); }
  std::size_t queued_bytes() const { return queued_bytes_; }

  /// The next message; nullopt: none there now. Error: end of the other side (os_code EPIPE), wrong version, wrong
  /// length, truncated, with descriptors attached (os_code EBADMSG).
  Result<std::optional<Message>> receive();
  /// Waits for the next message, at most `timeout_ms` (-1 = for ever). Error ETIMEDOUT. For simple helpers and tests.
  Result<Message> receive_waiting(int timeout_ms);
  /// Waits until the queue is sent.
  Result<void> flush_waiting(int timeout_ms);

 private:
  Fd fd_;
  std::deque<Bytes> queue_;
  std::size_t queued_bytes_ = 0;
  Bytes buffer_;  ///< of receive(); kept, so that a message costs no 64 KiB of clearing
};

}  // namespace latchkey::privsep
