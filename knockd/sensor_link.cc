// SPDX-License-Identifier: GPL-2.0-or-later
// Starting the sensor and speaking with it.
#include "knockd/sensor_link.h"

#include <fmt/format.h>
#include <signal.h>

namespace latchkey::knockd {
namespace {

constexpr int ready_within_ms = 60'000;
constexpr std::size_t full_batch_bytes = 32 * 1024;

std::string describe_end(const os::ChildExit& exit) {
  if (exit.has_exited()) return fmt::format("exit status {}", exit.exit_code());
  return fmt::format("killed by signal {}", exit.signal_number());
}

Result<ReadyMessage> receive_ready(privsep::Channel& channel) {
  const auto message = channel.receive_waiting(ready_within_ms);
  if (!message) return fail(message.error());
  auto ready =
      message->type == static_cast<std::uint16_t>(MessageType::ready) ? decode_ready(message->payload) : std::nullopt;
  if (!ready) return fail(Error{"unexpected message"});
  return std::move(*ready);
}

}  // namespace

Result<std::unique_ptr<SensorLink>> SensorLink::start(const privsep::MakeProgram& make,
                                                      const privsep::SandboxSettings& sandbox, os::EventLoop& loop,
                                                      os::Children& children, Events events) {
  privsep::ConfineOptions options;
  options.name = "knockd: sensor";
  options.profile = privsep::Profile::knockd_sensor;
  options.settings = sandbox;
  auto process = privsep::start_confined(options, make);
  if (!process) return fail(process.error());
  auto ready = receive_ready(process->channel);
  if (!ready) {
    std::string reason = ready.error().text;
    children.adopt(process->pid, [&reason](const os::ChildExit& exit) {
      if (exit.signal_number() != SIGKILL) reason = describe_end(exit);  // else it was our doing
    });
    static_cast<void>(children.end_now(process->pid));
    return fail(Error{"error: the packet sensor does not start: " + reason});
  }
  return std::unique_ptr<SensorLink>(
      new SensorLink(std::move(*process), std::move(*ready), loop, children, std::move(events)));
}

SensorLink::SensorLink(privsep::ConfinedProcess process, ReadyMessage ready, os::EventLoop& loop,
                       os::Children& children, Events events)
    : events_(std::move(events)),
      children_(children),
      pid_(process.pid),
      ready_(std::move(ready)),
      notes_(std::move(process.notes)) {
  children.adopt(pid_, [this, is_alive = std::weak_ptr<bool>(is_alive_)](const os::ChildExit& exit) {
    if (!is_alive.expired()) events_.on_end(describe_end(exit));
  });
  channel_.emplace(
      loop, std::move(process.channel), [this](const privsep::Message& message) { return receive(message); },
      // A sensor that cannot be understood any more is not left running.
      [this](const Error&) { children_.send_signal(pid_, SIGKILL); });
}

SensorLink::~SensorLink() {
  is_alive_.reset();  // nobody is told of this end
  channel_.reset();
  static_cast<void>(children_.end_now(pid_));
}

bool SensorLink::receive(const privsep::Message& message) {
  switch (static_cast<MessageType>(message.type)) {
    case MessageType::reports: {
      const auto reports = decode_reports(message.payload);
      if (reports) events_.on_reports(*reports);
      return reports.has_value();
    }
    case MessageType::doors_taken:
      if (message.payload.empty()) events_.on_doors_taken();
      return message.payload.empty();
    case MessageType::capture_lost: {
      const auto lost = decode_capture_lost(message.payload);
      if (lost) events_.on_capture_lost(*lost);
      return lost.has_value();
    }
    case MessageType::replay_done:
      if (message.payload.empty()) events_.on_replay_done();
      return message.payload.empty();
    case MessageType::door:
    case MessageType::doors:
    case MessageType::addresses:
    case MessageType::sequence:
    case MessageType::go_on:
    case MessageType::ready:
      break;
  }
  return false;
}

void SensorLink::send(MessageType type, ByteView payload) { channel_->send(static_cast<std::uint16_t>(type), payload); }

void SensorLink::send_doors(const std::vector<DoorMessage>& doors, bool writes_lines) {
  Writer batch;
  for (const DoorMessage& door : doors) {
    encode_door(door, batch);
    if (batch.view().size() < full_batch_bytes) continue;
    send(MessageType::door, batch.view());
    batch = Writer();
  }
  if (!batch.view().empty()) send(MessageType::door, batch.view());
  send(MessageType::doors, encode_doors_end({writes_lines}));
}

void SensorLink::send_addresses(const std::vector<net::IpAddress>& addresses) {
  send(MessageType::addresses, encode_addresses(addresses));
}

void SensorLink::send_sequence(const SequenceMessage& message) {
  send(MessageType::sequence, encode_sequence(message));
}

}  // namespace latchkey::knockd
