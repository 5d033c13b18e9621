// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor: the privileged process. It serves the sensor's requests, keeps the time, and survives reloads.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "common/net/interfaces.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "common/privsep/loop_channel.h"
#include "fwknopd/command_desk.h"
#include "fwknopd/daemon.h"
#include "fwknopd/digest_store.h"
#include "fwknopd/gpg_desk.h"
#include "fwknopd/grant_desk.h"
#include "fwknopd/grant_journal.h"

namespace latchkey::fwknopd {

class Monitor {
 public:
  /// Error: the loop cannot be made.
  static Result<std::unique_ptr<Monitor>> create(DaemonOptions options);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// To the end of the daemon; the exit status.
  int run();

 private:
  explicit Monitor(DaemonOptions options);
  const Settings& settings() const { return configuration_->settings; }

  // start and end
  bool start();
  bool start_queue();
  bool start_firewall(StartKind kind, std::vector<OpenRule> rules);
  std::vector<OpenRule> recover();
  void leave_old_places(const std::vector<EnteredPlace>& left);
  bool grants_in(Slot slot) const;
  void watch_signals();
  void end(int status);
  void finish();

  // signals
  void on_end_signal(const char* name);
  void on_reload();
  void use(Configuration configuration, StartKind kind);

  // the sensor
  bool start_sensor();
  void stop_sensor();
  bool on_message(const privsep::Message& message);
  bool on_request(MessageType type, ByteView payload);
  bool on_log(ByteView payload);
  bool on_print(std::string_view text);
  void on_sensor_end(const Error& error);
  void restart_sensor_later(const std::string& reason);
  void on_limit();
  void on_interface_down();
  void wait_for_interface();
  void capture_when_up();
  void stop_waiting_for_interface();
  void on_capture_failed();
  void answer(bool is_done);

  DaemonOptions options_;
  log::Logger& log_;
  SystemClock clock_;
  std::unique_ptr<os::EventLoop> loop_;
  std::unique_ptr<os::Children> children_;
  std::unique_ptr<Configuration> configuration_;
  std::unique_ptr<Configuration> previous_;  ///< after a reload, until the sensor captures
  std::unique_ptr<GrantJournal> journal_;
  DigestStore digests_;
  std::unique_ptr<GrantDesk> grants_;
  std::unique_ptr<CommandDesk> commands_;
  std::unique_ptr<GpgDesk> gpg_;
  std::unique_ptr<QueueCapture> queue_;  ///< only where packets come from a netfilter queue

  pid_t sensor_pid_ = -1;  ///< until it is reaped
  std::unique_ptr<privsep::LoopChannel> channel_;
  std::vector<std::unique_ptr<privsep::LoopChannel>> old_channels_;  ///< closed, until their callbacks have returned
  os::TimerId sensor_restart_;
  unsigned captured_interface_ = 0;             ///< the kernel's number of the sensor's interface
  std::optional<net::NetworkWatcher> network_;  ///< while the interface is down or does not exist
  std::chrono::milliseconds restart_delay_;
  bool was_ready_ = false;
  bool is_ending_ = false;
  int exit_status_ = 0;
};

}  // namespace latchkey::fwknopd
