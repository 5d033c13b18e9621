// SPDX-License-Identifier: GPL-2.0-or-later
// Messages over a SOCK_SEQPACKET pair.
#include "common/privsep/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace latchkey::privsep {
namespace {

constexpr std::size_t header_bytes = 8;
/// Room for the frames that wait in the kernel; the kernel bounds it by net.core.wmem_max.
constexpr int socket_buffer_bytes = 1024 * 1024;

Error broken(const char* what) { return {std::string("message channel: ") + what, EBADMSG}; }
Error gone() { return os_error("message channel", EPIPE); }

/// 0 = sent, else the errno.
int send_frame(int fd, ByteView bytes) {
  ssize_t sent = 0;
  do {
    sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

bool means_full(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == ENOBUFS; }

Error send_error(int code) {
  if (code == EPIPE || code == ECONNRESET || code == ENOTCONN) return gone();
  return os_error("message channel", code);
}

}  // namespace

Bytes encode_frame(std::uint16_t type, ByteView payload) {
  Writer writer;
  writer.put_u16(channel_version);
  writer.put_u16(type);
  writer.put_u32(static_cast<std::uint32_t>(payload.size()));
  writer.put(payload);
  return writer.release();
}

Result<Message> decode_frame(ByteView datagram) {
  Cursor cursor(datagram);
  const auto version = cursor.take_u16();
  const auto type = cursor.take_u16();
  const auto size = cursor.take_u32();
  if (!version || !type || !size) return fail(broken("message without a header"));
  if (*version != channel_version) return fail(broken("message of another version"));
  if (*size != cursor.rest().size()) return fail(broken("message of the wrong length"));
  if (*size > max_payload_bytes) return fail(broken("message too long"));
  return Message{*type, Bytes(cursor.rest().begin(), cursor.rest().end())};
}

Result<std::pair<Channel, Channel>> Channel::make_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(os_error("message channel"));
  }
  for (const int fd : ends) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
  return std::pair(Channel(Fd(ends[0])), Channel(Fd(ends[1])));
}

Result<void> Channel::send(std::uint16_t type, ByteView payload) {
  if (!fd_) return fail(gone());
  if (payload.size() > max_payload_bytes) return fail(os_error("message channel", EMSGSIZE));
  Bytes bytes = encode_frame(type, payload);
  if (queue_.empty()) {
    const int code = send_frame(fd_.get(), bytes);
    if (code == 0) return {};
    if (!means_full(code)) return fail(send_error(code));
  }
  if (queue_.size() >= max_queued_messages || queued_bytes_ + bytes.size() > max_queued_bytes) {
    return fail(os_error("message channel", ENOBUFS));
  }
  const std::size_t size = bytes.size();
  queue_.push_back(std::move(bytes));
  queued_bytes_ += size;
  return {};
}

Result<void> Channel::flush() {
  while (!queue_.empty()) {
    const int code = send_frame(fd_.get(), queue_.front());
    if (means_full(code)) return {};
    if (code != 0) return fail(send_error(code));
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
  }
  return {};
}

Result<std::optional<Message>> Channel::receive() {
  if (!fd_) return fail(gone());
  // One byte more than the largest frame, so that a larger one shows; MSG_TRUNC tells the same.
  buffer_.resize(header_bytes + max_payload_bytes + 1);
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t got = 0;
  do {
    got = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<Message>();
    return fail(send_error(errno));
  }
  // An empty datagram cannot be told from the end; nobody here sends one.
  if (got == 0) return fail(gone());
  // Without a control buffer the kernel drops descriptors that are passed, and says so.
  if (message.msg_flags & MSG_CTRUNC) return fail(broken("message with descriptors"));
  if (message.msg_flags & MSG_TRUNC) return fail(broken("message too long"));
  auto parsed = decode_frame(ByteView(buffer_.data(), static_cast<std::size_t>(got)));
  if (!parsed) return fail(parsed.error());
  return std::optional<Message>(*std::move(parsed));
}

Result<Message> Channel::receive_waiting(int timeout_ms) {
  for (;;) {
    auto message = receive();
    if (!message) return fail(message.error());
    if (*message) return *std::move(*message);
    pollfd watched{fd_.get(), POLLIN, 0};
    const int ready = poll(&watched, 1, timeout_ms);
    if (ready == 0) return fail(os_error("message channel", ETIMEDOUT));
    if (ready < 0 && errno != EINTR) return fail(os_error("message channel"));
  }
}

Result<void> Channel::flush_waiting(int timeout_ms) {
  for (;;) {
    if (auto flushed = flush(); !flushed) return flushed;
    if (queue_.empty()) return {};
    pollfd watched{fd_.get(), POLLOUT, 0};
    const int ready = poll(&watched, 1, timeout_ms);
    if (ready == 0) return fail(os_error("message channel", ETIMEDOUT));
    if (ready < 0 && errno != EINTR) return fail(os_error("message channel"));
  }
}

}  // namespace latchkey::privsep
