// SPDX-License-Identifier: GPL-2.0-or-later
// The sensor process: captures in an event loop, the matcher, reports to the monitor in batches.
#include "knockd/sensor.h"

#include <fmt/format.h>

#include "common/net/packet.h"
#include "common/os/event_loop.h"
#include "knockd/filter_program.h"
#include "knockd/messages.h"
#include "knockd/packet_source.h"

namespace latchkey::knockd {
namespace {

constexpr int packets_a_turn = 64;
constexpr std::size_t full_batch_bytes = 32 * 1024;
// What only makes a line may wait so long for more of its kind: under a flood of first hits the monitor wakes up 20
// times a second and not for every packet. An opening waits for nothing.
constexpr auto lines_wait = std::chrono::milliseconds(50);

class Sensor final : public privsep::ConfinedProgram {
 public:
  Sensor(const SensorSetup& setup, privsep::Channel channel, std::unique_ptr<os::EventLoop> loop, const Clock& clock)
      : setup_(setup),
        channel_(std::move(channel)),
        clock_(clock),
        loop_(std::move(loop)),
        matcher_(setup.doors, {.reports_flags = setup.is_debug}) {
    // The matcher has them.
    setup_.doors = {};
    set_local_addresses(setup.local_addresses);
  }

  void add_source(PacketSource source) { sources_.push_back(std::move(source)); }
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
  void transmit(MessageType type, ByteView payload);
  void send_reports();
  void send_reports_soon();
  void receive_all();
  bool receive(const privsep::Message& message);
  bool take_door(ByteView payload);
  bool take_doors(ByteView payload);
  bool take_sequence(ByteView payload);
  bool must_wait() const { return awaited_sequences_ > 0 || awaits_go_on_; }
  void pause(bool is_paused);
  void set_interest(PacketSource& source, bool reads);
  void moderate(std::size_t index, int packets);
  void replay();
  void read_packets(std::size_t index);
  void lose(std::size_t index, const net::CaptureError& error);
  void take_packet(PacketSource& source, const net::PacketRef& packet);
  void collect(const Report& report);
  void await_sequence(PacketSource& source);
  void read_clocks();
  Seconds seconds_of(WallTime time) const;
  void arm_timer();

  SensorSetup setup_;
  privsep::Channel channel_;
  const Clock& clock_;
  std::unique_ptr<os::EventLoop> loop_;
  std::vector<PacketSource> sources_;
  Matcher matcher_;
  std::vector<net::IpAddress> local_addresses_;
  Reports reports_;
  Writer batch_;
  bool has_opening_ = false;  ///< in the batch
  os::TimerId lines_timer_;
  MonotonicTime lines_sent_{};
  MonotonicTime now_{};                         ///< of this turn
  std::chrono::microseconds boot_less_wall_{};  ///< what a packet's time lacks to the clock of the boot
  std::vector<Lock> coming_doors_;
  std::vector<std::optional<DoorIndex>> coming_origins_;
  os::TimerId expiry_;
  std::optional<Seconds> expiry_second_;
  std::size_t awaited_sequences_ = 0;
  bool awaits_go_on_ = false;  ///< a reload has come in between
  int status_ = 0;
};

int Sensor::run() {
  ReadyMessage ready;
  for (const PacketSource& source : sources_)
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
  for (PacketSource& source : sources_) {
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

/// What packets did before is told before.
void Sensor::send(MessageType type, ByteView payload) {
  send_reports();
  transmit(type, payload);
}

void Sensor::transmit(MessageType type, ByteView payload) {
  // Waiting for the monitor is right: what comes in meanwhile waits in the kernel's buffer.
  const bool is_sent = channel_.send(static_cast<std::uint16_t>(type), payload) && channel_.flush_waiting(-1);
  if (!is_sent) end(0);
}

void Sensor::send_reports() {
  if (batch_.view().empty()) return;
  transmit(MessageType::reports, batch_.view());
  batch_ = Writer();
  has_opening_ = false;
  lines_sent_ = now_;
}

void Sensor::send_reports_soon() {
  const MonotonicTime due = lines_sent_ + lines_wait;
  if (has_opening_ || now_ >= due) return send_reports();
  if (batch_.view().empty() || lines_timer_.is_set()) return;
  lines_timer_ = loop_->call_at(due, [this] {
    lines_timer_ = {};
    read_clocks();
    send_reports();
  });
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
      return take_doors(message.payload);
    case MessageType::addresses: {
      const auto addresses = decode_addresses(message.payload);
      if (!addresses) return false;
      set_local_addresses(*addresses);
      renew_filters();
      return true;
    }
    case MessageType::sequence:
      return take_sequence(message.payload);
    case MessageType::go_on:
      if (std::exchange(awaits_go_on_, false) && !must_wait()) pause(false);
      return message.payload.empty();
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

bool Sensor::take_doors(ByteView payload) {
  const auto end = decode_doors_end(payload);
  if (!end) return false;
  // The lines so far are about the doors so far.
  send_reports();
  setup_.writes_lines = end->writes_lines;
  matcher_.replace_doors(std::exchange(coming_doors_, {}), std::exchange(coming_origins_, {}));
  renew_filters();
  arm_timer();
  // The monitor looks at one-time doors anew when it has this answer, and then lets the packets come.
  awaits_go_on_ = must_wait();
  awaited_sequences_ = 0;
  send(MessageType::doors_taken, {});
  return true;
}

bool Sensor::take_sequence(ByteView payload) {
  auto message = decode_sequence(payload);
  if (!message || message->door >= matcher_.doors().size()) return false;
  matcher_.set_sequence(message->door, std::move(message->sequence));
  renew_filters();
  arm_timer();
  if (awaited_sequences_ > 0 && --awaited_sequences_ == 0 && !must_wait()) pause(false);
  return true;
}

/// Packets wait while the monitor marks a one-time sequence: the next ones must meet the next sequence. If a reload
/// comes in between, they wait until the monitor works with its doors.
void Sensor::pause(bool is_paused) {
  if (is_replay()) {
    if (!is_paused) loop_->call_after(std::chrono::microseconds(0), [this] { replay(); });
    return;
  }
  for (PacketSource& source : sources_)
    if (!source.rest.is_set()) set_interest(source, !is_paused);
}

void Sensor::set_interest(PacketSource& source, bool reads) {
  if (!source.is_lost && !loop_->set_interest(source.capture.fd(), reads ? unsigned{os::readable} : 0U)) end(1);
}

void Sensor::replay() {
  PacketSource& source = sources_.front();
  while (!must_wait()) {
    const auto outcome =
        source.capture.dispatch(packets_a_turn, [&](const net::PacketRef& packet) { take_packet(source, packet); });
    send_reports();
    if (!outcome) return lose(0, outcome.error());
    if (!outcome->is_end_of_file) continue;
    return send(MessageType::replay_done, {});
  }
}

void Sensor::read_packets(std::size_t index) {
  PacketSource& source = sources_[index];
  read_clocks();
  const auto outcome =
      source.capture.dispatch(packets_a_turn, [&](const net::PacketRef& packet) { take_packet(source, packet); });
  send_reports_soon();
  if (!outcome) return lose(index, outcome.error());
  moderate(index, outcome->packets);
  arm_timer();
}

void Sensor::moderate(std::size_t index, int packets) {
  PacketSource& source = sources_[index];
  const auto rests_until = source.flood.count(packets, now_);
  if (!rests_until || packets == packets_a_turn || must_wait()) return;
  set_interest(source, false);
  source.rest = loop_->call_at(*rests_until, [this, index] {
    sources_[index].rest = {};
    if (!must_wait()) set_interest(sources_[index], true);
  });
}

void Sensor::lose(std::size_t index, const net::CaptureError& error) {
  // An interface that is down comes up again, and packets with it.
  if (error.kind == net::CaptureError::Kind::interface_down) return;
  PacketSource& source = sources_[index];
  source.is_lost = true;
  if (!is_replay()) loop_->unwatch(source.capture.fd());
  const bool is_gone = error.kind == net::CaptureError::Kind::interface_gone;
  send(MessageType::capture_lost, encode_capture_lost({static_cast<std::uint32_t>(index), is_gone, error.text}));
}

void Sensor::read_clocks() {
  now_ = clock_.monotonic();
  boot_less_wall_ = now_.time_since_epoch() - clock_.wall().time_since_epoch();
}

/// Live, seconds count from the boot, so that a step of the calendar neither ends nor prolongs an attempt.
Seconds Sensor::seconds_of(WallTime time) const {
  if (is_replay()) return to_epoch_seconds(time);
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch() + boot_less_wall_).count();
}

void Sensor::take_packet(PacketSource& source, const net::PacketRef& packet) {
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
  for (const Report& report : reports_) {
    collect(report);
    const auto* opened = std::get_if<Opened>(&report);
    if (opened != nullptr && matcher_.doors()[opened->door].is_one_time) await_sequence(source);
  }
}

void Sensor::collect(const Report& report) {
  const bool is_opening = std::holds_alternative<Opened>(report);
  if (!setup_.writes_lines && !is_opening) return;
  if (!setup_.is_debug && std::holds_alternative<Removed>(report)) return;
  has_opening_ = has_opening_ || is_opening;
  encode_report(widen(report), batch_);
  if (batch_.view().size() > full_batch_bytes) send_reports();
}

void Sensor::await_sequence(PacketSource& source) {
  if (!must_wait()) pause(true);
  ++awaited_sequences_;
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
    read_clocks();
    matcher_.expire(std::chrono::floor<std::chrono::seconds>(now_.time_since_epoch()).count(), reports_);
    for (const Report& report : reports_) collect(report);
    send_reports_soon();
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
      auto source = open_packet_source(interface, setup.replay_file);
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
