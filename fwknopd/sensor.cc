// SPDX-License-Identifier: GPL-2.0-or-later
// Wiring of the sensor: sources, pipeline, channel to the monitor.
#include "fwknopd/sensor.h"

#include <utility>
#include <vector>

#include "common/log/logger.h"
#include "common/os/event_loop.h"
#include "common/privsep/channel.h"
#include "common/privsep/log_channel.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/packet_source.h"
#include "fwknopd/pipeline.h"
#include "fwknopd/requests.h"

namespace latchkey::fwknopd {
namespace {

log::Level threshold_for(int verbosity) { return verbosity >= 1 ? log::Level::debug : log::Level::info; }

class Sensor final : public privsep::ConfinedProgram, public PipelineHost {
 public:
  Sensor(privsep::Channel channel, const Configuration& configuration, ReplayCache& cache, net::PacketQueue* queue,
         std::unique_ptr<os::EventLoop> loop)
      : channel_(std::move(channel)),
        configuration_(configuration),
        cache_(cache),
        queue_(queue),
        loop_(std::move(loop)),
        log_(threshold_for(configuration.settings.verbosity)) {
    log_.add(std::make_unique<privsep::ChannelSink>([this](ByteView payload) { send(MessageType::log, payload); }));
    pipeline_ = std::make_unique<Pipeline>(
        PipelineContext{configuration_.settings, configuration_.stanzas, cache_, log_, loop_->clock(), *this});
    is_open_ = open_sources();
  }

  int run() override {
    if (!is_open_) return fail();
    const auto watched = loop_->watch(channel_.fd(), os::readable, [this](unsigned) { serve(); });
    if (!watched) return fail();
    for (const auto& source : sources_) source->start();
    send(MessageType::ready, {});
    return loop_->run() ? 0 : 1;
  }

  bool remember(const ReplayEntry& entry) override { return ask(MessageType::remember, encode(entry)); }
  bool submit(const AccessRequest& request) override { return ask(MessageType::access, encode(request)); }
  bool submit(const CommandRequest& request) override { return ask(MessageType::command, encode(request)); }
  bool submit(const CycleRequest& request) override { return ask(MessageType::cycle, encode(request)); }
  void print(std::string_view text) override { send(MessageType::print, as_bytes(text)); }

  void start_gpg(const GpgRequest& request) override { send(MessageType::gpg, encode(request)); }

 private:
  int fail() {
    send(MessageType::capture_failed, {});
    return 1;
  }

  SourceContext source_context() {
    return {configuration_.settings,
            log_,
            *loop_,
            {.on_packet = [this](const SpaPacket& packet) { pipeline_->process(packet); },
             .on_limit = [this] { send(MessageType::limit_reached, {}); },
             .on_down = [this] { send(MessageType::interface_down, {}); },
             .on_failure = [this] { send(MessageType::capture_failed, {}); },
             .on_verdict = [this](const QueueVerdict& verdict) { send(MessageType::verdict, encode(verdict)); }}};
  }

  bool open_sources() {
    const CaptureSettings& capture = configuration_.settings.capture;
    if (capture.mode == CaptureMode::nfqueue)
      return add(queue_ ? open_queue_source(source_context(), *queue_) : nullptr);
    if (capture.mode == CaptureMode::udp_server) return add(open_udp_source(source_context()));
    if (capture.tcp_server) add(open_tcp_acceptor(source_context()));
    if (capture.mode == CaptureMode::pcap) return add(open_capture_source(source_context()));
    log_.error(text::no_capture_mode);
    return false;
  }

  bool add(std::unique_ptr<PacketSource> source) {
    if (!source) return false;
    sources_.push_back(std::move(source));
    return true;
  }

  /// Waits when the monitor is busy: nothing is lost but what the kernel cannot hold for us.
  void send(MessageType type, ByteView payload) {
    if (!channel_.send(static_cast<std::uint16_t>(type), payload) || !channel_.flush_waiting(-1)) loop_->stop();
  }

  bool ask(MessageType type, const Bytes& payload) {
    send(type, payload);
    for (;;) {
      auto answer = channel_.receive_waiting(-1);
      if (!answer) {
        loop_->stop();
        return false;
      }
      if (answer->type != static_cast<std::uint16_t>(MessageType::gpg_answer)) return is_yes(*answer);
      // Not now: the pipeline is in the middle of another packet.
      loop_->call_after(std::chrono::microseconds(0), [this, late = std::move(*answer)] { on_message(late); });
    }
  }

  static bool is_yes(const privsep::Message& answer) {
    return answer.type == static_cast<std::uint16_t>(MessageType::answer) && answer.payload.size() == 1 &&
           answer.payload[0] == std::byte{1};
  }

  /// What comes unasked. The end of the monitor is ours too.
  void serve() {
    const auto message = channel_.receive();
    if (!message) return loop_->stop();
    if (*message) on_message(**message);
  }

  void on_message(const privsep::Message& message) {
    auto answer = decode_gpg_answer(message.payload);
    if (message.type != static_cast<std::uint16_t>(MessageType::gpg_answer) || !answer) return loop_->stop();
    pipeline_->finish_gpg(std::move(*answer));
  }

  privsep::Channel channel_;
  const Configuration& configuration_;
  ReplayCache& cache_;
  net::PacketQueue* queue_;
  std::unique_ptr<os::EventLoop> loop_;
  log::Logger log_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<std::unique_ptr<PacketSource>> sources_;
  bool is_open_ = false;
};

}  // namespace

Result<std::unique_ptr<privsep::ConfinedProgram>> make_sensor(privsep::Channel channel,
                                                              const Configuration& configuration, ReplayCache& cache,
                                                              net::PacketQueue* queue) {
  static const SystemClock clock;
  auto loop = os::EventLoop::create(clock);
  if (!loop) return fail(Error{loop.error()});
  return std::unique_ptr<privsep::ConfinedProgram>(
      std::make_unique<Sensor>(std::move(channel), configuration, cache, queue, std::move(*loop)));
}

}  // namespace latchkey::fwknopd
