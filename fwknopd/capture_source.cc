// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets from libpcap (spec/fwknopd-runtime.md 1.2-1.5).
#include "common/net/capture.h"

#include <fmt/format.h>

#include <chrono>

#include "fwknopd/log_texts.h"
#include "fwknopd/packet_source.h"

namespace latchkey::fwknopd {
namespace {

using net::CaptureError;

/// Room for 961 packets of the usual MAX_SNIFF_BYTES, the peer has 512; libpcap's 2 MiB become 2.6 MiB of unswappable
/// memory with it.
constexpr int ring_bytes = 1472 * 1024;

class CaptureSource final : public PacketSource {
 public:
  CaptureSource(SourceContext context, net::Capture capture)
      : context_(std::move(context)), capture_(std::move(capture)) {}
  ~CaptureSource() override {
    if (capture_.fd() >= 0) context_.loop.unwatch(capture_.fd());
  }

  void start() override {
    context_.log.info(text::event_loop);
    if (!capture_.is_live()) return read_file();
    const auto watched = context_.loop.watch(capture_.fd(), os::readable, [this](unsigned) { dispatch(); });
    if (!watched) fail(watched.error().text);
  }

 private:
  /// A capture file is always readable: some packets each turn of the loop, to its end.
  void read_file() {
    if (dispatch()) context_.loop.call_after(std::chrono::microseconds(0), [this] { read_file(); });
  }

  /// False: there will be no more.
  bool dispatch() {
    const auto outcome = capture_.dispatch(static_cast<int>(context_.settings.capture.dispatch_count),
                                           [this](const net::PacketRef& packet) { take(packet); });
    if (!outcome) return handle_error(outcome.error());
    errors_ = 0;
    if (context_.settings.verbosity >= 3 && context_.settings.foreground && outcome->packets > 0) {
      context_.log.debug(text::dispatch_processed, outcome->packets);
    }
    return !outcome->is_end_of_file && !is_ended_;
  }

  void take(const net::PacketRef& packet) {
    if (is_ended_) return;
    ++packets_;
    const net::PacketView view = net::parse_packet(capture_.link_type(), packet.bytes);
    if (const auto candidate = find_candidate(view, packet.wire_length_bytes)) context_.events.on_packet(*candidate);
    const unsigned limit = context_.settings.capture.packet_limit;
    if (limit == 0 || packets_ < limit) return;
    stop();
    context_.events.on_limit();
  }

  bool handle_error(const CaptureError& error) {
    using Kind = CaptureError::Kind;
    if (error.kind == Kind::interface_gone) stop();
    if (error.kind == Kind::interface_down || error.kind == Kind::interface_gone) {
      context_.events.on_down();
      return true;
    }
    context_.log.error(text::dispatch_error, error.text);
    if (++errors_ < most_source_errors) return true;
    fail(fmt::format("{} consecutive pcap errors.  Giving up", most_source_errors));
    return false;
  }

  void fail(const std::string& reason) {
    context_.log.error("[*] {}", reason);
    stop();
    context_.events.on_failure();
  }

  void stop() {
    is_ended_ = true;
    if (capture_.fd() >= 0) context_.loop.unwatch(capture_.fd());
  }

  SourceContext context_;
  net::Capture capture_;
  unsigned packets_ = 0;
  int errors_ = 0;
  bool is_ended_ = false;
};

bool has_direction(net::LinkType link) { return link != net::LinkType::null && link != net::LinkType::loop; }

bool set_filter(net::Capture& capture, const std::string& filter, log::Logger& log) {
  if (filter.empty()) return true;
  const auto program = capture.compile(filter);
  if (!program) {
    log.error(text::filter_not_compiled, program.error().text);
    return false;
  }
  if (const auto set = capture.set_filter(*program); !set) {
    log.error(text::filter_not_set, set.error().text);
    return false;
  }
  log.info(text::filter_is, filter);
  return true;
}

Result<net::Capture, CaptureError> open_capture(const CaptureSettings& settings, log::Logger& log) {
  if (!settings.pcap_file.empty()) {
    log.info(text::reading_file, settings.pcap_file);
    auto capture = net::Capture::open_file(settings.pcap_file);
    if (!capture) log.error(text::open_file_failed, capture.error().text);
    return capture;
  }
  log.info(text::sniffing, settings.interface);
  net::CaptureOptions options;
  options.interface = settings.interface;
  options.snap_length_bytes = static_cast<int>(settings.max_sniff_bytes);
  options.is_promiscuous = settings.promiscuous;
  options.buffer_bytes = ring_bytes;
  auto capture = net::Capture::open_live(options);
  if (!capture) log.error(text::open_live_failed, capture.error().text);
  return capture;
}

}  // namespace

std::unique_ptr<PacketSource> open_capture_source(SourceContext context) {
  const CaptureSettings& settings = context.settings.capture;
  auto capture = open_capture(settings, context.log);
  if (!capture || !set_filter(*capture, settings.filter, context.log)) return nullptr;
  if (!net::is_known_link_type(capture->link_type())) {
    context.log.error("[*] Unsupported link type {}: no packet of it can be read.",
                      static_cast<int>(capture->link_type()));
    return nullptr;
  }
  if (capture->is_live()) {
    if (!settings.any_direction && has_direction(capture->link_type())) {
      const auto set = capture->set_direction(net::Direction::in);
      if (!set && context.settings.verbosity >= 1) context.log.warning(text::direction_not_set, set.error().text);
    }
    static_cast<void>(capture->lock_filter());  // a second fence; the sandbox does not need it
  }
  return std::make_unique<CaptureSource>(std::move(context), std::move(*capture));
}

}  // namespace latchkey::fwknopd
