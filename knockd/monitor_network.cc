// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor, on interfaces: their addresses, their loss and return, the sensor that listens on them.
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "knockd/monitor.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

// libpcap's text.
constexpr std::string_view interface_disappeared = "The interface disappeared";
// A tunnel or modem line that is set up anew gets the time to come back; then the supervisor shall see a failure.
constexpr auto interface_return_within = std::chrono::seconds(15);

unsigned index_of(std::string_view interface) {
  return ::if_nametoindex(std::string(net::device_of_label(interface)).c_str());
}

}  // namespace

bool is_open_failure(const Error& error) {
  return error.text.starts_with(texts::could_not_open.substr(0, texts::could_not_open.find('{')));
}

std::string Monitor::name_now(const std::string& interface) const {
  const auto found = renamed_.find(interface);
  return found == renamed_.end() ? interface : found->second;
}

bool Monitor::exists(const std::string& interface) const {
  return interface == "any" || index_of(name_now(interface)) != 0;
}

Result<std::vector<net::IpAddress>> Monitor::find_local_addresses() {
  const auto all = net::local_addresses();
  if (!all)
    return fail(
        Error{fmt::format("error: could not get IP address for {}: {}", interfaces_.front(), all.error().text)});
  std::vector<net::IpAddress> addresses;
  for (const std::string& interface : interfaces_) {
    for (const net::LocalAddress& local : net::addresses_of(*all, name_now(interface))) {
      if (options_.only_v4 && local.address.is_v6()) continue;
      if (std::ranges::find(addresses, local.address) == addresses.end()) addresses.push_back(local.address);
    }
  }
  return addresses;
}

Result<void> Monitor::start_sensor(const std::vector<std::string>& interfaces) {
  SensorSetup setup{.interfaces = {},
                    .replay_file = options_.replay_file,
                    .doors = {},
                    .local_addresses = local_addresses_,
                    .is_debug = options_.is_debug,
                    .writes_lines = writes_lines(config_)};
  captured_index_.clear();
  for (const std::string& interface : interfaces) {
    setup.interfaces.push_back(name_now(interface));
    captured_index_.push_back(index_of(setup.interfaces.back()));
  }
  for (const Door& door : config_.doors) setup.doors.push_back(door.lock);
  const privsep::MakeProgram make = [&setup](privsep::Channel channel) {
    return make_sensor(setup, std::move(channel));
  };
  auto started = SensorLink::start(
      make_sensor_ ? make_sensor_ : make, {suite_.sandbox_user, suite_.sandbox_enable}, *loop_, *children_,
      {.on_reports = [this](const std::vector<SensorReport>& reports) { take_reports(reports); },
       .on_doors_taken = [this] { take_new_config(); },
       .on_capture_lost = [this](const CaptureLostMessage& lost) { lose_capture(lost); },
       .on_replay_done = [this] { loop_->call_after(std::chrono::microseconds(0), [this] { end(0); }); },
       .on_end = [this](const std::string& how) { lose_sensor(how); }});
  if (!started) return fail(started.error());
  if ((*started)->ready().interfaces.size() > interfaces.size())
    return fail(Error{"error: the packet sensor does not start: it tells of an interface too many"});
  sensor_ = std::move(*started);
  captured_ = interfaces;
  return {};
}

void Monitor::restart_sensor() {
  if (ending_status_) return;
  std::vector<std::string> interfaces;
  std::ranges::copy_if(interfaces_, std::back_inserter(interfaces), [this](const auto& name) { return exists(name); });
  sensor_.reset();
  // What was on its way to the old one is in force with the new one.
  take_new_config();
  if (interfaces.empty()) {
    lost_ = {interfaces_.begin(), interfaces_.end()};
    return wait_for_interface();
  }
  if (auto addresses = find_local_addresses()) local_addresses_ = std::move(*addresses);
  if (const auto started = start_sensor(interfaces); !started) {
    if (!is_open_failure(started.error())) return lose_sensor(started.error().text);
    // It is there, but not up yet; the next news of it will tell.
    lost_ = {interfaces_.begin(), interfaces_.end()};
    return wait_for_interface();
  }
  write_confinement_notes();
  for (const std::string& interface : interfaces)
    if (lost_.erase(interface) != 0) output_.say(with_verbose | to_log, fmt::format("interface {} is back", interface));
  loop_->cancel(loss_timer_);
}

void Monitor::lose_sensor(const std::string& how) {
  if (ending_status_) return;
  const std::string reason = fmt::format("error: the packet sensor has ended ({})", how);
  output_.say(to_error | to_log, reason);
  // Never from within the link's own callback.
  loop_->call_after(std::chrono::milliseconds(100), [this, reason] {
    if (!restart_limit_.admit(clock_.monotonic())) return give_up(reason);
    restart_sensor();
  });
}

void Monitor::lose_capture(const CaptureLostMessage& lost) {
  if (lost.interface >= captured_.size() || ending_status_) return;
  if (!lost_.insert(captured_[lost.interface]).second) return;
  loss_reason_ = lost.text;
  // What comes back comes back under the name that the configuration has.
  if (lost.is_gone) renamed_.erase(captured_[lost.interface]);
  const bool has_others = std::ranges::any_of(captured_, [this](const auto& name) { return !lost_.contains(name); });
  if (!lost.is_gone || is_replay()) return give_up(loss_reason_);
  if (has_others) {
    output_.say(to_error | to_log, fmt::format("interface {} has vanished: {}", captured_[lost.interface], lost.text));
    return;
  }
  wait_for_interface();
}

void Monitor::wait_for_interface() {
  if (loss_timer_.is_set()) return;
  output_.say(with_verbose,
              fmt::format("no interface is left, waiting {} s for one to come back", interface_return_within.count()));
  if (loss_reason_.empty()) loss_reason_ = interface_disappeared;
  loss_timer_ = loop_->call_after(interface_return_within, [this] { give_up(loss_reason_); });
}

void Monitor::give_up(const std::string& reason) {
  if (ending_status_) return;
  output_.say(with_debug, fmt::format(texts::left_main_loop, -1));
  output_.say(to_error, fmt::format(texts::capture_ended, reason));
  // The sensor's link may be the caller.
  loop_->call_after(std::chrono::microseconds(0), [this] { end(1); });
}

void Monitor::watch_network() {
  if (is_replay()) return;
  auto watcher = net::NetworkWatcher::open();
  if (!watcher) return output_.say(to_log, "warning: address changes are not followed: " + watcher.error().text);
  network_.emplace(std::move(*watcher));
  if (!loop_->watch(network_->fd(), os::readable, [this](unsigned) { take_network_changes(); })) network_.reset();
}

void Monitor::take_network_changes() {
  const auto changes = network_->read_changes();
  bool has_returned = false;
  if (changes) {
    for (const net::NetworkChange& change : *changes) {
      if (const auto* link = std::get_if<net::LinkChange>(&change)) {
        has_returned = take_link_change(*link) || has_returned;
      } else if (std::holds_alternative<net::ChangesLost>(change)) {
        has_returned = std::ranges::any_of(lost_, [this](const auto& name) { return exists(name); }) || has_returned;
      }
    }
  }
  if (has_returned) return restart_sensor();
  follow_addresses();
}

/// True: an interface that was lost is there again.
bool Monitor::take_link_change(const net::LinkChange& link) {
  for (std::uint32_t i = 0; i < captured_.size(); ++i) {
    if (link.interface_index != captured_index_[i]) continue;
    // The socket of the sensor tells that it is down; that it is gone for good only the kernel's news tell reliably.
    if (link.is_deleted) {
      lose_capture({i, true, std::string(interface_disappeared)});
    } else {
      follow_name(captured_[i], link.name);
    }
  }
  if (link.is_deleted || !link.is_up) return false;
  return std::ranges::any_of(lost_, [&](const std::string& name) { return net::device_of_label(name) == link.name; });
}

/// A capture goes on when its interface is renamed, as udev does it at boot; so its addresses have to be found.
void Monitor::follow_name(const std::string& interface, const std::string& device) {
  const std::string label = interface.substr(net::device_of_label(interface).size());
  if (name_now(interface) == device + label) return;
  renamed_[interface] = device + label;
  output_.say(with_verbose | to_log, fmt::format("interface {} is named {} now", interface, device + label));
}

void Monitor::follow_addresses() {
  auto addresses = find_local_addresses();
  if (!addresses || *addresses == local_addresses_) return;
  local_addresses_ = std::move(*addresses);
  if (sensor_) sensor_->send_addresses(local_addresses_);
  for (const net::IpAddress& address : local_addresses_)
    output_.say(with_debug, fmt::format(texts::local_address, net::format_ip_address(address)));
  write_filters();
}

}  // namespace latchkey::knockd
