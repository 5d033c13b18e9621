// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor's dealings with the sensor: start, messages, restart.
#include <net/if.h>
#include <signal.h>

#include <algorithm>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/os/notify.h"
#include "common/privsep/log_channel.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/monitor.h"
#include "fwknopd/sensor.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::chrono::milliseconds first_restart_delay{100};
constexpr std::chrono::milliseconds longest_restart_delay{30000};

}  // namespace

bool Monitor::start_sensor() {
  // A new sensor counts its requests anew: no answer to the old one may reach it.
  gpg_->set_configuration(*configuration_);
  if (queue_ && !queue_->open()) return false;
  net::PacketQueue* const queue = queue_ ? queue_->packets() : nullptr;
  privsep::ConfineOptions confine;
  confine.name = "fwknopd: sensor";
  confine.profile = privsep::Profile::fwknopd_sensor;
  confine.settings = options_.sandbox;
  confine.locks_memory = true;
  // The TCP server holds one connection at a time.
  confine.spare_descriptors = settings().capture.tcp_server ? 1 : 0;
  // Before the capture is opened: of an interface that is replaced meanwhile, the old number leads to a new capture.
  captured_interface_ = ::if_nametoindex(settings().capture.interface.c_str());
  if (queue) confine.keep.push_back(queue->fd());
  auto started = privsep::start_confined(confine, [this, queue](privsep::Channel channel) {
    const auto& make = options_.make_sensor ? options_.make_sensor : MakeSensor(make_sensor);
    return make(std::move(channel), *configuration_, digests_.cache(), queue);
  });
  if (!started) {
    log_.error(text::sensor_not_started, started.error().text);
    return false;
  }
  for (const std::string& note : started->notes) log_.warning("{}", note);
  sensor_pid_ = started->pid;
  children_->adopt(sensor_pid_, [this](const os::ChildExit& exit) {
    if (exit.pid == sensor_pid_) sensor_pid_ = -1;
    // SIGKILL is ours. SIGSYS (31) means that it broke its confinement.
    const int signal = exit.signal_number();
    if (signal != 0 && signal != SIGKILL) log_.error(text::sensor_killed, "The sensor process", signal);
  });
  channel_ = std::make_unique<privsep::LoopChannel>(
      *loop_, std::move(started->channel), [this](const privsep::Message& message) { return on_message(message); },
      [this](const Error& error) { on_sensor_end(error); });
  return true;
}

/// It is not waited for here: the kernel takes 50 ms for its capture ring, in which a reload would read no packet.
void Monitor::stop_sensor() {
  loop_->cancel(sensor_restart_);
  stop_waiting_for_interface();
  children_->send_signal(sensor_pid_, SIGKILL);
  if (queue_) queue_->close();
  if (!channel_) return;
  channel_->close();  // nothing it has still to say is about the next sensor
  // We may be inside one of its callbacks.
  old_channels_.push_back(std::move(channel_));
  loop_->call_after(std::chrono::microseconds(0), [this] { old_channels_.clear(); });
}

void Monitor::answer(bool is_done) {
  const std::byte verdict{is_done ? std::uint8_t{1} : std::uint8_t{0}};
  if (channel_) channel_->send(static_cast<std::uint16_t>(MessageType::answer), ByteView(&verdict, 1));
}

bool Monitor::on_message(const privsep::Message& message) {
  if (is_ending_) return true;
  const auto type = static_cast<MessageType>(message.type);
  const ByteView payload(message.payload);
  switch (type) {
    case MessageType::log:
      return on_log(payload);
    case MessageType::print:
      return on_print(as_text(payload));
    case MessageType::ready:
      if (!payload.empty()) return false;
      restart_delay_ = first_restart_delay;
      previous_.reset();
      if (std::exchange(was_ready_, true)) return true;
      static_cast<void>(os::notify_ready());
      if (const auto ready = options_.start.ready(); !ready) log_.error("{}", ready.error().text);
      return true;
    case MessageType::remember:
    case MessageType::access:
    case MessageType::command:
    case MessageType::cycle:
      return on_request(type, payload);
    case MessageType::gpg:
      return gpg_->submit(payload);
    case MessageType::limit_reached:
      if (payload.empty()) on_limit();
      return payload.empty();
    case MessageType::interface_down:
      if (payload.empty()) on_interface_down();
      return payload.empty();
    case MessageType::capture_failed:
      if (payload.empty()) on_capture_failed();
      return payload.empty();
    case MessageType::verdict:
      return queue_ && queue_->decide(payload);
    case MessageType::answer:
    case MessageType::gpg_answer:
      break;
  }
  return false;
}

bool Monitor::on_log(ByteView payload) {
  const auto record = privsep::decode_log_record(payload);
  if (!record) return false;
  if (log_.shows(record->level)) log_.write(record->level, record->text);
  return true;
}

/// Standard output may be a terminal, which obeys control bytes, also those above 0x7f. The hex dump has none.
bool Monitor::on_print(std::string_view text) {
  const auto is_fit = [](char c) { return is_printable(c) || c == '\t' || c == '\n'; };
  if (text.size() > privsep::max_log_text_bytes || !std::ranges::all_of(text, is_fit)) return false;
  if (settings().foreground) static_cast<void>(write_all(1, text));
  return true;
}

/// The answer goes out before the firewall works: the sensor has its verdict and need not wait for iptables.
bool Monitor::on_request(MessageType type, ByteView payload) {
  if (type == MessageType::remember) {
    const auto entry = decode_replay_entry(payload);
    if (entry) answer(digests_.remember(*entry));
    return entry.has_value();
  }
  if (type == MessageType::access) {
    const auto request = decode_access_request(payload);
    if (request) grants_->submit(*request, [this](bool is_granted) { answer(is_granted); });
    return request.has_value();
  }
  if (type == MessageType::command) {
    const auto request = decode_command_request(payload);
    if (request) answer(commands_->submit(*request));
    return request.has_value();
  }
  const auto request = decode_cycle_request(payload);
  if (request) answer(commands_->submit(*request));
  return request.has_value();
}

void Monitor::on_limit() {
  const unsigned limit = settings().capture.packet_limit;
  log_.warning(text::limit_reached, limit);
  log_.info(text::leaving);
  log_.info(text::limit_exit, limit);
  end(0);
}

void Monitor::on_interface_down() {
  if (settings().capture.exit_at_interface_down) {
    log_.error(text::dispatch_fatal, text::interface_went_down);
    end(1);
    return;
  }
  if (network_) return;  // told
  log_.error(text::dispatch_error, text::interface_went_down);
  wait_for_interface();
}

/// Listens before it looks, so that no news falls in between.
void Monitor::wait_for_interface() {
  auto watcher = net::NetworkWatcher::open();
  if (!watcher) return restart_sensor_later(watcher.error().text);
  network_ = std::move(*watcher);
  const auto on_news = [this](unsigned) {
    // What has changed does not matter, nor that some of the news may be lost.
    const auto changes = network_->read_changes();
    if (changes) return capture_when_up();
    stop_waiting_for_interface();
    restart_sensor_later(changes.error().text);
  };
  const auto watched = loop_->watch(network_->fd(), os::readable, on_news);
  if (!watched) return restart_sensor_later(watched.error().text);
  capture_when_up();
}

/// The sensor goes on when its interface is up. One that was deleted, which its socket does not tell, does not come
/// back: another of the same name needs a new capture.
void Monitor::capture_when_up() {
  const std::string& interface = settings().capture.interface;
  if (!net::is_interface_up(interface)) return;
  stop_waiting_for_interface();
  if (channel_ && ::if_nametoindex(interface.c_str()) == captured_interface_) return;
  stop_sensor();
  if (!start_sensor()) restart_sensor_later("not started");
}

void Monitor::stop_waiting_for_interface() {
  if (network_) loop_->unwatch(network_->fd());
  network_.reset();
}

void Monitor::on_sensor_end(const Error& error) {
  if (is_ending_) return;
  stop_sensor();
  if (error.os_code == EBADMSG) {
    log_.error(text::sensor_bad_message);
    end(1);
    return;
  }
  restart_sensor_later(error.text);
}

void Monitor::restart_sensor_later(const std::string& reason) {
  log_.error(text::sensor_ended, reason, restart_delay_.count());
  sensor_restart_ = loop_->call_after(restart_delay_, [this] {
    sensor_restart_ = {};
    if (!start_sensor()) restart_sensor_later("not started");
  });
  restart_delay_ = std::min(restart_delay_ * 2, longest_restart_delay);
}

}  // namespace latchkey::fwknopd
