// SPDX-License-Identifier: GPL-2.0-or-later
// Sending as an ordinary client: one datagram, one TCP message, one knock.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/net/address.h"

namespace latchkey::net {

enum class SendStage { socket, set_option, bind, connect, write };
struct SendError {
  SendStage stage = SendStage::socket;
  Error cause;
};

enum class ClientTransport { tcp, udp };

/// A connected socket, non-inheritable.
struct ClientConnection {
  Fd socket;
  SocketAddress peer;
  /// Why the wanted source port was not taken (an OS-chosen one is in use instead).
  std::optional<Error> bind_failure;
};

/// Connects to the first of `addresses` that takes it. `source_port` 0: chosen by the system. `timeout` bounds each
/// attempt (0: the kernel's own limit). Error: that of the last attempt.
Result<ClientConnection, SendError> open_client(ClientTransport transport, const std::vector<SocketAddress>& addresses,
                                                std::uint16_t source_port = 0, std::chrono::milliseconds timeout = {});

/// Sends all of `payload` (one datagram for UDP). Value: bytes sent, which may be fewer on a datagram socket.
/// No SIGPIPE.
Result<std::size_t, SendError> send_payload(const ClientConnection& connection, ByteView payload);

/// One SYN and nothing more: starts a connection without waiting and closes it. Errors other than a missing socket are
/// ignored (spec/knockd.md 8). Stage: socket.
Result<void, SendError> knock_tcp(const SocketAddress& target);
/// One datagram of one zero byte from an unconnected socket; errors as above.
Result<void, SendError> knock_udp(const SocketAddress& target);

}  // namespace latchkey::net
