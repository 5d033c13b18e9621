// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets from a netfilter queue (spec/fwknopd-runtime.md 1.9): raw IPv4, each with a verdict when it is done.
#include <fmt/format.h>

#include "fwknopd/log_texts.h"
#include "fwknopd/packet_source.h"

namespace latchkey::fwknopd {
namespace {

class QueueSource final : public PacketSource {
 public:
  QueueSource(SourceContext context, net::PacketQueue& queue) : context_(std::move(context)), queue_(queue) {}
  ~QueueSource() override { context_.loop.unwatch(queue_.fd()); }

  void start() override {
    context_.log.info(text::event_loop);
    const auto watched = context_.loop.watch(queue_.fd(), os::readable, [this](unsigned) { receive(); });
    if (watched) return;
    context_.log.error("[*] {}", watched.error().text);
    context_.events.on_failure();
  }

 private:
  void receive() {
    const auto read = queue_.read([this](const net::QueuedPacket& packet) { take(packet); });
    if (read) {
      errors_ = 0;
      return;
    }
    context_.log.error(text::queue_read_failed, read.error().text);
    if (++errors_ < most_source_errors) return;
    context_.log.error(text::queue_gives_up, most_source_errors);
    context_.loop.unwatch(queue_.fd());
    context_.events.on_failure();
  }

  /// Packets for a port that nobody listens on are dropped; whatever else was queued goes on to where it was sent.
  void take(const net::QueuedPacket& packet) {
    const net::PacketView view = net::parse_packet(net::LinkType::raw, packet.bytes);
    if (const auto candidate = find_candidate(view, packet.bytes.size())) context_.events.on_packet(*candidate);
    context_.events.on_verdict({packet.id, packet.is_for_this_host});
    const unsigned limit = context_.settings.capture.packet_limit;
    if (++packets_ != limit) return;
    context_.loop.unwatch(queue_.fd());
    context_.events.on_limit();
  }

  SourceContext context_;
  net::PacketQueue& queue_;
  unsigned packets_ = 0;
  int errors_ = 0;
};

}  // namespace

std::unique_ptr<PacketSource> open_queue_source(SourceContext context, net::PacketQueue& queue) {
  return std::make_unique<QueueSource>(std::move(context), queue);
}

}  // namespace latchkey::fwknopd
