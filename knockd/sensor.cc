// SPDX-License-Identifier: GPL-2.0-or-later
// The sensor process: captures in an event loop, the matcher, reports to the monitor in batches.
#include "knockd/sensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/net/capture.h"
#include "common/net/packet.h"
#include "common/os/event_loop.h"
#include "knockd/filter_program.h"
#include "knockd/messages.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

constexpr int packets_a_turn = 64;
// Link, IP and TCP headers with room for more: the shorter, the more packets wait in libpcap's buffer during a burst
// (5,000 instead of 32).
constexpr int headers_bytes = 256;
constexpr std::size_t full_batch_bytes = 32 * 1024;
constexpr auto supported_link_types = std::to_array<net::LinkType>(
    {net::LinkType::ethernet, net::LinkType::sll, net::LinkType::raw, net::LinkType::raw_file});

Error open_error(const std::string& interface, const net::CaptureError& error) {
  return {fmt::format(texts::could_not_open, interface, error.text)};
}

struct Source {
  std::string interface;
  net::Capture capture;
  net::FilterProgram filter = {};
  bool is_lost = false;
};

Result<Source> open_source(const std::string& interface, const std::string& replay_file) {
  auto capture = replay_file.empty()
                     ? net::Capture::open_live({.interface = interface, .snap_length_bytes = headers_bytes})
                     : net::Capture::open_file(replay_file);
  if (!capture) return fail(open_error(interface, capture.error()));
  const auto link = capture->link_type();
  if (std::ranges::find(supported_link_types, link) == supported_link_types.end())
    return fail(Error{fmt::format(texts::unsupported_link, static_cast<int>(link))});
  return Source{interface, std::move(*capture)};
}

/// The facts that 0.8's filter and parser let through (spec 4); nullopt: not ours.
std::optional<Knock> read_knock(const net::PacketView& view) {
  const bool is_usable = view.fault == net::PacketFault::none || view.fault == net::PacketFault::bad_transport_header;
  if (!is_usable || !view.has_ports || view.vlan_depth != 0 || view.is_snap || view.extension_headers != 0)
    return std::nullopt;
  if (view.fragment_offset_bytes != 0) return std::nullopt;
  if (view.protocol != net::IpProtocol::tcp && view.protocol != net::IpProtocol::udp) return std::nullopt;
  return Knock{view.source, view.destination, {view.protocol, view.destination_port}, view.tcp_flags};
}

class Sensor final : public privsep::ConfinedProgram {
 public:
  Sensor(const SensorSetup& setup, privsep::Channel channel, std::unique_ptr<os::EventLoop> loop, const Clock& clock)
      : setup_(setup),
        channel_(std::move(channel)),
        clock_(clock),
        loop_(std::move(loop)),
        matcher_(setup.doors, {.reports_flags = setup.is_debug}) {
    set_local_addresses(setup.local_addresses);
  }

  void add_source(Source source) { sources_.push_back(std::move(source)); }
  Result<void, net::CaptureError> install_filters();
  Result<void> watch_sources();
  int run() override;

 private:
  bool is_replay() const { return !setup_.replay_file.empty(); }
  void send(MessageType type, ByteView payload);
  void renew_filters();
  void set_local_addresses(const std::vector<net::IpAddress>& addresses) {
    local_addresses_ = addresses;
    matcher_.set_local_addresses(addresses);
  }
  void end(int status);
  void send_reports();
  void receive_all();
  bool receive(const privsep::Message& message);
  bool take_door(ByteView payload);
  void take_doors();
  bool take_sequence(ByteView payload);
  void pause(bool is_paused);
  void replay();
  void read_packets(std::size_t index);
  void lose(std::size_t index, const net::CaptureError& error);
  void take_packet(Source& source, const net::PacketRef& packet);
  void collect(const Report& report, Source& source);
  Seconds seconds_of(WallTime time) const;
  void arm_timer();

  SensorSetup setup_;
  privsep::Channel channel_;
  const Clock& clock_;
  std::unique_ptr<os::EventLoop> loop_;
  std::vector<Source> sources_;
  Matcher matcher_;
  std::vector<net::IpAddress> local_addresses_;
  Reports reports_;
  Writer batch_;
  std::vector<Lock> coming_doors_;
  std::vector<std::optional<DoorIndex>> coming_origins_;
  os::TimerId expiry_;
  std::optional<Seconds> expiry_second_;
  std::size_t awaited_sequences_ = 0;
  int status_ = 0;
};

int Sensor::run() {
  ReadyMessage ready;
  for (const Source& source : sources_)
    ready.interfaces.push_back({static_cast<std::int32_t>(source.capture.link_type()), source.capture.warning()});
  send(MessageType::ready, encode_ready(ready));
  if (is_replay()) loop_->call_after(std::chrono::microseconds(0), [this] { replay(); });
  if (!loop_->run()) return 1;
  return status_;
}

Result<void> Sensor::watch_sources() {
  if (auto watched = loop_->watch(channel_.fd(), os::readable, [this](unsigned) { receive_all(); }); !watched)
    return watched;
  if (is_replay()) return {};
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto watched = loop_->watch(sources_[i].capture.fd(), os::readable, [this, i](unsigned) { read_packets(i); });
    if (!watched) return watched;
  }
  return {};
}

Result<void, net::CaptureError> Sensor::install_filters() {
  for (Source& source : sources_) {
    if (source.is_lost) continue;
    auto filter = build_filter_program(matcher_.doors(), local_addresses_, source.capture.link_type());
    if (filter == source.filter) continue;
    if (auto installed = source.capture.set_filter(filter); !installed) return installed;
    source.filter = std::move(filter);
  }
  return {};
}

/// After a change of doors or addresses.
void Sensor::renew_filters() {
  // A filter that cannot be changed may hide knocks, so the monitor must hear of it.
  if (const auto installed = install_filters(); !installed) lose(0, installed.error());
}

void Sensor::end(int status) {
  status_ = status;
  loop_->stop();
}

void Sensor::send(MessageType type, ByteView payload) {
  // Waiting for the monitor is right: what comes in meanwhile waits in the kernel's buffer.
  const bool is_sent = channel_.send(static_cast<std::uint16_t>(type), payload) && channel_.flush_waiting(-1);
  if (!is_sent) end(0);
}

void Sensor::send_reports() {
  if (!batch_.view().empty()) send(MessageType::reports, batch_.view());
  batch_ = Writer();
}

void Sensor::receive_all() {
  for (;;) {
    const auto message = channel_.receive();
    // The monitor has gone: that is how a sensor ends.
    if (!message) return end(0);
    if (!*message) return;
    if (!receive(**message)) return end(1);
  }
}

bool Sensor::receive(const privsep::Message& message) {
  switch (static_cast<MessageType>(message.type)) {
    case MessageType::door:
      return take_door(message.payload);
    case MessageType::doors:
      take_doors();
      return true;
    case MessageType::addresses: {
      const auto addresses = decode_addresses(message.payload);
      if (!addresses) return false;
      set_local_addresses(*addresses);
      renew_filters();
      return true;
    }
    case MessageType::sequence:
      return take_sequence(message.payload);
    case MessageType::ready:
    case MessageType::reports:
    case MessageType::doors_taken:
    case MessageType::capture_lost:
    case MessageType::replay_done:
      break;
  }
  return false;
}

bool Sensor::take_door(ByteView payload) {
  const auto doors = decode_doors(payload);
  if (!doors) return false;
  for (const DoorMessage& door : *doors) {
    coming_doors_.push_back(door.lock);
    coming_origins_.push_back(door.origin);
  }
  return true;
}

void Sensor::take_doors() {
  matcher_.replace_doors(std::exchange(coming_doors_, {}), std::exchange(coming_origins_, {}));
  renew_filters();
  arm_timer();
  // The monitor looks at one-time doors anew when it has this answer.
  if (awaited_sequences_ > 0) {
    awaited_sequences_ = 0;
    pause(false);
  }
  send(MessageType::doors_taken, {});
}

bool Sensor::take_sequence(ByteView payload) {
  auto message = decode_sequence(payload);
  if (!message || message->door >= matcher_.doors().size()) return false;
  matcher_.set_sequence(message->door, std::move(message->sequence));
  renew_filters();
  arm_timer();
  if (awaited_sequences_ > 0 && --awaited_sequences_ == 0) pause(false);
  return true;
}

/// Packets wait while the monitor marks a one-time sequence: the next ones must meet the next sequence.
void Sensor::pause(bool is_paused) {
  if (is_replay()) {
    if (!is_paused) loop_->call_after(std::chrono::microseconds(0), [this] { replay(); });
    return;
  }
  for (const Source& source : sources_)
    if (!source.is_lost && !loop_->set_interest(source.capture.fd(), is_paused ? 0U : unsigned{os::readable})) end(1);
}

void Sensor::replay() {
  Source& source = sources_.front();
  while (awaited_sequences_ == 0) {
    const auto outcome =
        source.capture.dispatch(packets_a_turn, [&](const net::PacketRef& packet) { take_packet(source, packet); });
    send_reports();
    if (!outcome) return lose(0, outcome.error());
    if (!outcome->is_end_of_file) continue;
    return send(MessageType::replay_done, {});
  }
}

void Sensor::read_packets(std::size_t index) {
  Source& source = sources_[index];
  const auto outcome =
      source.capture.dispatch(packets_a_turn, [&](const net::PacketRef& packet) { take_packet(source, packet); });
  send_reports();
  if (!outcome) return lose(index, outcome.error());
  arm_timer();
}

void Sensor::lose(std::size_t index, const net::CaptureError& error) {
  // An interface that is down comes up again, and packets with it.
  if (error.kind == net::CaptureError::Kind::interface_down) return;
  Source& source = sources_[index];
  source.is_lost = true;
  if (!is_replay()) loop_->unwatch(source.capture.fd());
  const bool is_gone = error.kind == net::CaptureError::Kind::interface_gone;
  send(MessageType::capture_lost, encode_capture_lost({static_cast<std::uint32_t>(index), is_gone, error.text}));
}

/// Live, seconds count from the boot, so that a step of the calendar neither ends nor prolongs an attempt.
Seconds Sensor::seconds_of(WallTime time) const {
  if (is_replay()) return to_epoch_seconds(time);
  const auto age = clock_.wall() - time;
  return std::chrono::floor<std::chrono::seconds>((clock_.monotonic() - age).time_since_epoch()).count();
}

void Sensor::take_packet(Source& source, const net::PacketRef& packet) {
  const net::PacketView view = net::parse_packet(source.capture.link_type(), packet.bytes);
  const auto knock = read_knock(view);
  if (!knock || !matcher_.sees(*knock)) return;
  if (setup_.is_debug) {
    encode_report(PacketSeen{packet.time.time_since_epoch().count(), knock->hit, view.source_port, view.source,
                             view.destination, static_cast<std::uint32_t>(packet.wire_length_bytes)},
                  batch_);
  }
  reports_.clear();
  matcher_.handle(*knock, seconds_of(packet.time), reports_);
  for (const Report& report : reports_) collect(report, source);
}

void Sensor::collect(const Report& report, Source& source) {
  if (!setup_.is_debug && std::holds_alternative<Removed>(report)) return;
  encode_report(widen(report), batch_);
  if (batch_.view().size() > full_batch_bytes) send_reports();
  const auto* opened = std::get_if<Opened>(&report);
  if (opened == nullptr || !matcher_.doors()[opened->door].is_one_time) return;
  if (awaited_sequences_++ == 0) pause(true);
  source.capture.break_dispatch();
}

void Sensor::arm_timer() {
  const auto next = is_replay() ? std::nullopt : matcher_.next_expiry();
  if (next == expiry_second_) return;
  loop_->cancel(expiry_);
  expiry_second_ = next;
  if (!next) return;
  expiry_ = loop_->call_at(MonotonicTime(std::chrono::seconds(*next)), [this] {
    expiry_second_.reset();
    reports_.clear();
    matcher_.expire(std::chrono::floor<std::chrono::seconds>(clock_.monotonic().time_since_epoch()).count(), reports_);
    for (const Report& report : reports_) encode_report(widen(report), batch_);
    send_reports();
    arm_timer();
  });
}

/// Owns the clock that the sensor and its loop refer to.
class OwnedSensor final : public privsep::ConfinedProgram {
 public:
  Result<void> open(const SensorSetup& setup, privsep::Channel channel) {
    auto loop = os::EventLoop::create(clock_);
    if (!loop) return fail(loop.error());
    sensor_ = std::make_unique<Sensor>(setup, std::move(channel), std::move(*loop), clock_);
    for (const std::string& interface : setup.interfaces) {
      auto source = open_source(interface, setup.replay_file);
      if (!source) return fail(source.error());
      sensor_->add_source(std::move(*source));
      if (!setup.replay_file.empty()) break;
    }
    if (const auto installed = sensor_->install_filters(); !installed)
      return fail(Error{fmt::format("pcap_setfilter: {}", installed.error().text)});
    return sensor_->watch_sources();
  }
  int run() override { return sensor_->run(); }

 private:
  SystemClock clock_;
  std::unique_ptr<Sensor> sensor_;
};

}  // namespace

Result<std::unique_ptr<privsep::ConfinedProgram>> make_sensor(const SensorSetup& setup, privsep::Channel channel) {
  auto sensor = std::make_unique<OwnedSensor>();
  if (auto opened = sensor->open(setup, std::move(channel)); !opened) return fail(opened.error());
  return std::unique_ptr<privsep::ConfinedProgram>(std::move(sensor));
}

}  // namespace latchkey::knockd
