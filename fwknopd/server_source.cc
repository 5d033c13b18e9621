// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets from a UDP socket, and the dummy TCP server (spec/fwknopd-runtime.md 1.6, 1.7).
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>

#include "common/base/fd.h"
#include "common/spa/types.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/packet_source.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::chrono::seconds hold_connection{1};

std::string errno_text() { return os_error({}).text; }

sockaddr_in any_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return address;
}

template <class Address>
sockaddr* as_sockaddr(Address& address) {
  return static_cast<sockaddr*>(static_cast<void*>(&address));
}

net::IpAddress to_ip(const in_addr& address) { return net::IpAddress::v4(ntohl(address.s_addr)); }

using ReportError = std::function<void(const char* what, const std::string& reason)>;

/// Packets wait here while a grant runs iptables: the kernel's default buffer holds 166 of them. As far as the system
/// allows; a smaller buffer is no error.
void enlarge_buffer(int fd) {
  const int wanted_bytes = 8 * 1024 * 1024;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted_bytes, sizeof wanted_bytes) == 0) return;
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted_bytes, sizeof wanted_bytes));
}

/// A bound, non-blocking socket; no descriptor after a report.
Fd bound_socket(int type, std::uint16_t port, int option_level, int option, const ReportError& report) {
  const auto failed = [&](const char* what) {
    report(what, errno_text());
    return Fd();
  };
  Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("socket() failed");
  const int on = 1;
  if (::setsockopt(fd.get(), option_level, option, &on, sizeof on) != 0) return failed("setsockopt error");
  sockaddr_in address = any_address(port);
  if (::bind(fd.get(), as_sockaddr(address), sizeof address) != 0) return failed("bind() failed");
  return fd;
}

class UdpSource final : public PacketSource {
 public:
  UdpSource(SourceContext context, Fd socket) : context_(std::move(context)), socket_(std::move(socket)) {}
  ~UdpSource() override { context_.loop.unwatch(socket_.get()); }

  void start() override {
    const auto watched = context_.loop.watch(socket_.get(), os::readable, [this](unsigned) { receive(); });
    if (watched) return;
    context_.log.error(text::udp_failed, "select error socket", watched.error().text);
    context_.events.on_failure();
  }

 private:
  struct Datagram {
    std::size_t length = 0;  ///< on the wire, which may be more than was taken
    sockaddr_in from{};
    net::IpAddress to;
  };

  std::optional<Datagram> read_one() {
    Datagram datagram;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &datagram.from;
    message.msg_namelen = sizeof datagram.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(socket_.get(), &message, MSG_TRUNC);
    if (length < 0) return std::nullopt;
    datagram.length = static_cast<std::size_t>(length);
    for (cmsghdr* entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry)) {
      if (entry->cmsg_level != IPPROTO_IP || entry->cmsg_type != IP_PKTINFO) continue;
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(entry), sizeof info);
      datagram.to = to_ip(info.ipi_addr);
    }
    return datagram;
  }

  void receive() {
    const auto datagram = read_one();
    if (!datagram || is_ended_) return;
    ++packets_;
    const net::IpAddress source = to_ip(datagram->from.sin_addr);
    if (context_.settings.verbosity >= 1) {
      context_.log.info(text::udp_datagram, datagram->length, net::format_ip_address(source));
    }
    // Cut datagrams are no SPA packets, and empty ones carry nothing.
    if (datagram->length > 0 && datagram->length <= spa::limit::most_payload) {
      context_.events.on_packet({ByteView(buffer_).first(datagram->length), source, datagram->to, net::IpAddress(),
                                 IPPROTO_UDP, ntohs(datagram->from.sin_port),
                                 context_.settings.capture.udp_server_port});
    }
    if (context_.settings.verbosity >= 3 && context_.settings.foreground) {
      context_.log.debug(text::udp_processed, packets_);
    }
    const unsigned limit = context_.settings.capture.packet_limit;
    if (limit == 0 || packets_ < limit) return;
    is_ended_ = true;
    context_.loop.unwatch(socket_.get());
    context_.events.on_limit();
  }

  SourceContext context_;
  Fd socket_;
  std::array<std::byte, spa::limit::most_payload> buffer_{};
  unsigned packets_ = 0;
  bool is_ended_ = false;
};

class TcpAcceptor final : public PacketSource {
 public:
  TcpAcceptor(SourceContext context, Fd socket) : context_(std::move(context)), socket_(std::move(socket)) {}
  ~TcpAcceptor() override {
    context_.loop.unwatch(socket_.get());
    context_.loop.cancel(timer_);
  }

  void start() override {
    const auto watched = context_.loop.watch(socket_.get(), os::readable, [this](unsigned) { accept(); });
    if (!watched) context_.log.error(text::tcp_failed, "select error socket", watched.error().text);
  }

 private:
  /// One connection at a time, as long as a client needs to send.
  void accept() {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    Fd connection(::accept4(socket_.get(), as_sockaddr(from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) {
      if (errno != EAGAIN && errno != ECONNABORTED)
        context_.log.error(text::tcp_failed, "accept() failed", errno_text());
      return;
    }
    if (context_.settings.verbosity >= 1) {
      context_.log.info(text::tcp_connection, net::format_ip_address(to_ip(from.sin_addr)));
    }
    connection_ = std::move(connection);
    static_cast<void>(context_.loop.set_interest(socket_.get(), 0));
    timer_ = context_.loop.call_after(hold_connection, [this] {
      ::shutdown(connection_.get(), SHUT_RDWR);
      connection_.close();
      static_cast<void>(context_.loop.set_interest(socket_.get(), os::readable));
    });
  }

  SourceContext context_;
  Fd socket_;
  Fd connection_;
  os::TimerId timer_;
};

/// In place of an acceptor that found its port taken: another listener there serves as well.
class NoAcceptor final : public PacketSource {
 public:
  void start() override {}
};

}  // namespace

std::unique_ptr<PacketSource> open_udp_source(SourceContext context) {
  const std::uint16_t port = context.settings.capture.udp_server_port;
  context.log.info(text::udp_server, port);
  Fd socket = bound_socket(SOCK_DGRAM, port, IPPROTO_IP, IP_PKTINFO, [&](const char* what, const std::string& reason) {
    context.log.error(text::udp_failed, what, reason);
  });
  if (!socket) {
    context.log.error(text::udp_fatal);
    return nullptr;
  }
  enlarge_buffer(socket.get());
  return std::make_unique<UdpSource>(std::move(context), std::move(socket));
}

std::unique_ptr<PacketSource> open_tcp_acceptor(SourceContext context) {
  const std::uint16_t port = context.settings.capture.tcp_server_port;
  context.log.info(text::tcp_server, port);
  Fd socket = bound_socket(
      SOCK_STREAM, port, SOL_SOCKET, SO_REUSEADDR,
      [&](const char* what, const std::string& reason) { context.log.error(text::tcp_failed, what, reason); });
  if (socket && ::listen(socket.get(), 1) != 0) {
    context.log.error(text::tcp_failed, "listen() failed", errno_text());
    socket.close();
  }
  if (!socket) {
    context.log.error(text::tcp_fatal);
    return std::make_unique<NoAcceptor>();
  }
  return std::make_unique<TcpAcceptor>(std::move(context), std::move(socket));
}

}  // namespace latchkey::fwknopd
