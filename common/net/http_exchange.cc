// SPDX-License-Identifier: GPL-2.0-or-later
// One request and its reply over plain TCP, within a time limit for the whole of it.
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/net/http.h"
#include "common/net/send.h"

namespace latchkey::net {
namespace {

using Stage = ExchangeError::Stage;
using SteadyClock = std::chrono::steady_clock;

ExchangeError errno_at(Stage stage, int code = errno) { return {stage, os_error("", code).text}; }

std::chrono::milliseconds left(SteadyClock::time_point deadline) {
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return std::max(rest, std::chrono::milliseconds(0));
}

Result<std::string, ExchangeError> read_reply(int fd, SteadyClock::time_point deadline, std::size_t limit_bytes) {
  std::string reply;
  std::array<char, 4096> chunk;
  for (;;) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left(deadline).count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail(errno_at(Stage::read));
    if (ready == 0) return fail(errno_at(Stage::read, ETIMEDOUT));
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail(errno_at(Stage::read));
    if (got == 0) return reply;
    if (reply.size() + static_cast<std::size_t>(got) > limit_bytes) return fail(errno_at(Stage::too_long, EFBIG));
    reply.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<std::string, ExchangeError> exchange_tcp(const std::string& host, std::uint16_t port, std::string_view request,
                                                const ExchangeOptions& options) {
  const auto deadline = SteadyClock::now() + options.timeout;
  const auto addresses = resolve(host, std::to_string(port), {.family = options.family, .transport = Transport::tcp});
  if (!addresses) return fail(ExchangeError{Stage::resolve, addresses.error().text});
  const std::chrono::milliseconds rest = left(deadline);
  if (rest.count() == 0) return fail(errno_at(Stage::connect, ETIMEDOUT));
  const auto connection = open_client(ClientTransport::tcp, *addresses, 0, rest);
  if (!connection) return fail(ExchangeError{Stage::connect, connection.error().cause.text});
  const auto sent = send_payload(*connection, as_bytes(request));
  if (!sent) return fail(ExchangeError{Stage::write, sent.error().cause.text});
  return read_reply(connection->socket.get(), deadline, options.max_reply_bytes);
}

}  // namespace latchkey::net
