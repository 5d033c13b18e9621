// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets of the clients.
#include "common/net/send.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

SendError error_at(SendStage stage) { return {stage, os_error("")}; }

int socket_type(ClientTransport transport) { return transport == ClientTransport::tcp ? SOCK_STREAM : SOCK_DGRAM; }

std::optional<Error> bind_source_port(int fd, const IpAddress& peer, std::uint16_t port) {
  if (port == 0) return std::nullopt;
  const IpAddress anywhere = peer.is_v6() ? IpAddress::v6({}) : IpAddress();
  const NativeAddress own({.address = anywhere, .port = port});
  const int on = 1;
  // A second knock from the same port must not wait for the first connection's TIME_WAIT.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, own.get(), own.length()) != 0) return os_error("");
  return std::nullopt;
}

void limit_time(int fd, std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const std::chrono::microseconds rest = timeout - seconds;
  const timeval limit{.tv_sec = seconds.count(), .tv_usec = rest.count()};
  // SO_SNDTIMEO bounds connect() too (socket(7)).
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

}  // namespace

Result<ClientConnection, SendError> open_client(ClientTransport transport, const std::vector<SocketAddress>& addresses,
                                                std::uint16_t source_port, std::chrono::milliseconds timeout) {
  SendError last{SendStage::connect, os_error("", EADDRNOTAVAIL)};
  for (const SocketAddress& peer : addresses) {
    const NativeAddress to(peer);
    ClientConnection connection{Fd(::socket(to.family(), socket_type(transport) | SOCK_CLOEXEC, 0)), peer, {}};
    if (!connection.socket) {
      last = error_at(SendStage::socket);
      continue;
    }
    const int fd = connection.socket.get();
    connection.bind_failure = bind_source_port(fd, peer.address, source_port);
    limit_time(fd, timeout);
    if (::connect(fd, to.get(), to.length()) == 0) return connection;
    last = error_at(SendStage::connect);
    if (last.cause.os_code == EINPROGRESS) last.cause = os_error("", ETIMEDOUT);
  }
  return fail(last);
}

Result<std::size_t, SendError> send_payload(const ClientConnection& connection, ByteView payload) {
  std::size_t sent = 0;
  do {
    const ByteView rest = payload.subspan(sent);
    const ssize_t written = ::send(connection.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(error_at(SendStage::write));
    sent += static_cast<std::size_t>(written);
    int type = 0;
    socklen_t length = sizeof type;
    getsockopt(connection.socket.get(), SOL_SOCKET, SO_TYPE, &type, &length);
    if (type == SOCK_DGRAM) return sent;
  } while (sent < payload.size());
  return sent;
}

Result<void, SendError> knock_tcp(const SocketAddress& target) {
  const NativeAddress to(target);
  const Fd socket(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return fail(error_at(SendStage::socket));
  static_cast<void>(::connect(socket.get(), to.get(), to.length()));
  return {};
}

Result<void, SendError> knock_udp(const SocketAddress& target) {
  const NativeAddress to(target);
  const Fd socket(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(error_at(SendStage::socket));
  constexpr std::array<std::byte, 1> zero{};
  static_cast<void>(::sendto(socket.get(), zero.data(), zero.size(), MSG_NOSIGNAL, to.get(), to.length()));
  return {};
}

}  // namespace latchkey::net
