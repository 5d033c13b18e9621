// SPDX-License-Identifier: GPL-2.0-or-later
// SensorLink: the monitor's end of a running sensor.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "common/privsep/confine.h"
#include "common/privsep/loop_channel.h"
#include "knockd/messages.h"
#include "knockd/sensor.h"

namespace latchkey::knockd {

class SensorLink {
 public:
  struct Events {
    std::function<void(const std::vector<SensorReport>&)> on_reports;
    std::function<void()> on_doors_taken;
    std::function<void(const CaptureLostMessage&)> on_capture_lost;
    std::function<void()> on_replay_done;
    /// The process has ended, and nobody asked it to; "killed by signal 9" or "exit status 1".
    std::function<void(const std::string& how)> on_end;
  };

  /// Forks, confines and waits until the captures are open. `make` is make_sensor(), or what a test puts in its place.
  /// `loop` and `children` outlive the link. Error: a whole line for the user.
  static Result<std::unique_ptr<SensorLink>> start(const privsep::MakeProgram& make,
                                                   const privsep::SandboxSettings& sandbox, os::EventLoop& loop,
                                                   os::Children& children, Events events);
  /// Ends the sensor, at once; no event comes any more. Not to be called from an event.
  ~SensorLink();
  SensorLink(const SensorLink&) = delete;
  SensorLink& operator=(const SensorLink&) = delete;

  const ReadyMessage& ready() const { return ready_; }
  /// What this system could not confine, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  void send_doors(const std::vector<DoorMessage>& doors, bool writes_lines);
  void send_addresses(const std::vector<net::IpAddress>& addresses);
  void send_sequence(const SequenceMessage& message);
  /// After on_doors_taken, and after the sequences of doors that have opened meanwhile.
  void send_go_on() { send(MessageType::go_on, {}); }

 private:
  SensorLink(privsep::ConfinedProcess process, ReadyMessage ready, os::EventLoop& loop, os::Children& children,
             Events events);
  bool receive(const privsep::Message& message);
  void send(MessageType type, ByteView payload);

  Events events_;
  os::Children& children_;
  pid_t pid_;
  ReadyMessage ready_;
  std::vector<std::string> notes_;
  /// Lives as long as this object: a callback of the process's end may come later.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
  std::optional<privsep::LoopChannel> channel_;
};

}  // namespace latchkey::knockd
