// SPDX-License-Identifier: GPL-2.0-or-later
// The netfilter queue of libnetfilter_queue.
#include "common/net/packet_queue.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/base/handle.h"

namespace latchkey::net {
namespace {

/// A message of the kernel: one packet and its attributes.
constexpr std::size_t message_bytes = 8192;
/// Packets wait while a grant runs iptables.
constexpr unsigned socket_buffer_bytes = 8 * 1024 * 1024;
constexpr std::uint32_t most_waiting_packets = 8192;

using Library = std::unique_ptr<nfq_handle, Deleter<nfq_close>>;

class NetfilterQueue final : public PacketQueue {
 public:
  explicit NetfilterQueue(Library library) : library_(std::move(library)) {}
  /// Said to the kernel: the process that reads may keep the socket open for longer than we do.
  ~NetfilterQueue() override {
    if (queue_) nfq_destroy_queue(queue_);
  }

  Result<void> open(std::uint16_t number) {
    queue_ = nfq_create_queue(library_.get(), number, &NetfilterQueue::on_packet, this);
    if (!queue_) return fail(Error{"Error during nfq_create_queue()", errno});
    // As far as the system allows; less is no error. A full buffer drops packets: reading need not fail for it, too.
    nfq_set_queue_maxlen(queue_, most_waiting_packets);
    nfnl_rcvbufsiz(nfq_nfnlh(library_.get()), socket_buffer_bytes);
    const int on = 1;
    static_cast<void>(::setsockopt(fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on));
    if (auto unblocked = unblock(); !unblocked) return unblocked;
    // The last step: from now on packets come, to whoever reads next.
    if (nfq_set_mode(queue_, NFQNL_COPY_PACKET, most_queued_bytes) < 0) {
      return fail(Error{"Can't set packet_copy mode", errno});
    }
    return {};
  }

  int fd() const override { return nfq_fd(library_.get()); }

  Result<void> read(const std::function<void(const QueuedPacket&)>& take) override {
    std::array<char, message_bytes> message;
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    const ssize_t length =
        ::recvfrom(fd(), message.data(), message.size(), 0, static_cast<sockaddr*>(static_cast<void*>(&sender)), &size);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (length < 0) return fail(os_error({}));
    if (sender.nl_pid != 0) return {};  // not the kernel
    take_ = &take;
    nfq_handle_packet(library_.get(), message.data(), static_cast<int>(length));
    take_ = nullptr;
    return {};
  }

  void decide(std::uint32_t id, bool is_dropped) override {
    nfq_set_verdict(queue_, id, is_dropped ? NF_DROP : NF_ACCEPT, 0, nullptr);
  }

 private:
  Result<void> unblock() {
    const int flags = ::fcntl(fd(), F_GETFL);
    if (flags < 0) return fail(os_error("nfq_capture: fcntl F_GETFL error"));
    if (::fcntl(fd(), F_SETFL, flags | O_NONBLOCK) < 0) {
      return fail(os_error("nfq_capture: fcntl F_SETFL error setting O_NONBLOCK"));
    }
    return {};
  }

  static int on_packet(nfq_q_handle*, nfgenmsg*, nfq_data* data, void* self) {
    static_cast<NetfilterQueue*>(self)->tell(data);
    return 0;
  }

  void tell(nfq_data* data) {
    const nfqnl_msg_packet_hdr* header = nfq_get_msg_packet_hdr(data);
    if (!header) return;
    QueuedPacket packet{ntohl(header->packet_id), header->hook == NF_INET_LOCAL_IN, {}};
    // The library also reads while it waits for an answer of the kernel.
    if (!take_) return decide(packet.id, packet.is_for_this_host);
    unsigned char* bytes = nullptr;
    const int length = nfq_get_payload(data, &bytes);
    if (length > 0) packet.bytes = std::as_bytes(std::span(bytes, static_cast<std::size_t>(length)));
    (*take_)(packet);
  }

  Library library_;
  nfq_q_handle* queue_ = nullptr;
  const std::function<void(const QueuedPacket&)>* take_ = nullptr;
};

}  // namespace

bool has_packet_queue() { return true; }

Result<std::unique_ptr<PacketQueue>> open_packet_queue(std::uint16_t number, std::vector<std::string>& warnings) {
  Library library(nfq_open());
  if (!library) return fail(Error{"[*] nfq_open error", errno});
  // Kernels before 3.8 bind protocol families to handlers; newer ones accept both calls and do nothing.
  if (const int code = nfq_unbind_pf(library.get(), AF_INET); code < 0) {
    warnings.push_back(fmt::format("[*] Error during nfq_unbind_pf() error: {}", code));
  }
  if (const int code = nfq_bind_pf(library.get(), AF_INET); code < 0) {
    return fail(Error{fmt::format("Error during nfq_bind_pf(), error: {}", code), errno});
  }
  auto queue = std::make_unique<NetfilterQueue>(std::move(library));
  if (const auto opened = queue->open(number); !opened) return fail(opened.error());
  return std::unique_ptr<PacketQueue>(std::move(queue));
}

}  // namespace latchkey::net
