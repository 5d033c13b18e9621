// SPDX-License-Identifier: GPL-2.0-or-later
// One GPG helper, seen from the monitor: one request at a time, a time limit, a new helper for one that hangs.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "common/log/logger.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "common/os/user.h"
#include "common/privsep/confine.h"
#include "common/privsep/loop_channel.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/gpg_messages.h"

namespace latchkey::fwknopd {

/// References outlive desk and workers. `answer` gets an encoded answer for the sensor.
struct GpgDeskContext {
  log::Logger& log;
  os::EventLoop& loop;
  os::Children& children;
  privsep::SandboxSettings sandbox;
  std::function<void(ByteView payload)> answer;
};

/// The helper of one owner of key rings.
class GpgWorker {
 public:
  /// For one request; gpg usually takes 20 ms.
  static constexpr std::chrono::seconds time_limit{10};

  /// `context` and `configuration` outlive the worker.
  GpgWorker(const GpgDeskContext& context, Configuration& configuration, os::User owner);
  /// Not from within a callback of the worker.
  ~GpgWorker();
  GpgWorker(const GpgWorker&) = delete;
  GpgWorker& operator=(const GpgWorker&) = delete;

  /// Starts the helper; a failure is logged, and the next request tries again.
  bool start();
  /// Ends the helper, the gpg that it may be running, and the agents that were started below it.
  void stop();
  void submit(GpgRequest request);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  void stop_helper();
  void send_next();
  bool on_answer(const privsep::Message& message);
  void on_end(const Error& error);
  void on_time_limit();
  void give_up(const std::string& reason);

  const GpgDeskContext& context_;
  Configuration& configuration_;
  os::User owner_;
  pid_t helper_ = -1;
  std::unique_ptr<privsep::LoopChannel> channel_;
  std::vector<std::unique_ptr<privsep::LoopChannel>> old_channels_;  ///< until their callbacks have returned
  std::deque<GpgRequest> waiting_;                                   ///< the first one is with the helper
  bool is_busy_ = false;
  os::TimerId limit_, clean_up_, resume_;
};

}  // namespace latchkey::fwknopd
