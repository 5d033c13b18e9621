// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor's dealings with the GPG helper: one request at a time, a time limit, a new helper for one that hangs.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "common/log/logger.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "common/privsep/confine.h"
#include "common/privsep/loop_channel.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/gpg_messages.h"

namespace latchkey::fwknopd {

/// References outlive the desk. `answer` gets an encoded answer for the sensor.
struct GpgDeskContext {
  log::Logger& log;
  os::EventLoop& loop;
  os::Children& children;
  privsep::SandboxSettings sandbox;
  std::function<void(ByteView payload)> answer;
};

class GpgDesk {
 public:
  /// Requests that may wait; the sensor sends no more than these.
  static constexpr std::size_t most_waiting = 32;
  /// For one request; gpg usually takes 20 ms.
  static constexpr std::chrono::seconds time_limit{10};

  explicit GpgDesk(GpgDeskContext context);
  ~GpgDesk();
  GpgDesk(const GpgDesk&) = delete;
  GpgDesk& operator=(const GpgDesk&) = delete;

  /// Forgets the requests of the old configuration, ends its helper, and starts one where a stanza uses GPG.
  void set_configuration(const Configuration& configuration);
  /// Ends the helper, and the gpg that it may be running.
  void stop();
  /// False: not a request that a sensor may make; it has been taken over.
  bool submit(ByteView payload);

 private:
  bool start_helper();
  void stop_helper();
  void send_next();
  bool on_answer(const privsep::Message& message);
  void on_end(const Error& error);
  void on_time_limit();
  void give_up(const std::string& reason);

  GpgDeskContext context_;
  const Configuration* configuration_ = nullptr;
  pid_t helper_ = -1;
  std::unique_ptr<privsep::LoopChannel> channel_;
  std::vector<std::unique_ptr<privsep::LoopChannel>> old_channels_;  ///< until their callbacks have returned
  std::deque<GpgRequest> waiting_;                                   ///< the first one is with the helper
  bool is_busy_ = false;
  os::TimerId limit_;
};

}  // namespace latchkey::fwknopd
