// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor: keeps the privileges; runs commands, marks one-time sequences, writes every line.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config/suite.h"
#include "common/log/rate_limit.h"
#include "common/net/interfaces.h"
#include "common/os/children.h"
#include "common/os/daemonize.h"
#include "common/os/event_loop.h"
#include "common/os/pid_file.h"
#include "knockd/configuration.h"
#include "knockd/names.h"
#include "knockd/options.h"
#include "knockd/output.h"
#include "knockd/sensor_link.h"
#include "knockd/workers.h"

namespace latchkey::knockd {

class Monitor {
 public:
  /// The references outlive this object.
  Monitor(const Options& options, config::SuiteSettings suite, Config config, Output& output, const Clock& clock);

  /// From opening the log to the end. `start` is the daemon's, when there is one; `notes` are those of the reading of
  /// the configuration. The exit status (spec 1).
  int run(os::DaemonStart start, const std::vector<Note>& notes);
  /// Another program in the place of make_sensor()'s, for tests: one that was taken over.
  void use_sensor(privsep::MakeProgram make) { make_sensor_ = std::move(make); }

 private:
  // Start and end (monitor.cc).
  Result<void> prepare_loop();
  bool start_capturing();
  void write_start_lines();
  void write_confinement_notes();
  bool take_pid_file();
  void use_journal();
  Result<void> watch_signals();
  void end(int status);
  void leave();
  void write_end_lines();
  bool is_replay() const { return !options_.replay_file.empty(); }
  std::string log_file() const { return log_file_of(config_); }
  std::string log_file_of(const Config& config) const { return config.log_file.value_or(options_.log_file); }
  bool writes_lines(const Config& config) const {
    return options_.is_verbose || options_.is_debug || config.uses_syslog || !log_file_of(config).empty();
  }
  /// Only a daemon has one, and its folder is / from before it is written.
  std::string pid_file() const {
    std::string path = config_.pid_file.value_or(options_.pid_file);
    return path.empty() || path.starts_with('/') ? path : "/" + path;
  }

  // What the sensor tells (monitor_reports.cc).
  void take_reports(const std::vector<SensorReport>& reports);
  void write_report(const SensorReport& report);
  void take_opening(const Opened& opened);
  Result<void> use_one_time_sequence(DoorIndex index);
  void load_next_sequence(DoorIndex index);
  void disable_door(DoorIndex index);
  void send_sequence(DoorIndex index);
  const Door* find_door(DoorIndex index, const net::IpAddress& source) const;
  void write_filters();

  // Interfaces (monitor_network.cc).
  Result<std::vector<net::IpAddress>> find_local_addresses();
  Result<void> start_sensor(const std::vector<std::string>& interfaces);
  void restart_sensor();
  void lose_sensor(const std::string& how);
  void lose_capture(const CaptureLostMessage& lost);
  void wait_for_interface();
  void give_up(const std::string& reason);
  void watch_network();
  void take_network_changes();
  bool take_link_change(const net::LinkChange& link);
  void follow_name(const std::string& interface, const std::string& device);
  std::string name_now(const std::string& interface) const;
  bool exists(const std::string& interface) const;
  void follow_addresses();

  // Reload (monitor_reload.cc).
  void reload();
  void take_new_config();
  void reopen_log(const std::string& old_path);
  void move_pid_file(const std::string& old_path);

  const Options& options_;
  config::SuiteSettings suite_;
  Config config_;
  std::optional<Config> coming_config_;  ///< sent to the sensor, not yet taken by it
  std::vector<std::string> interfaces_;
  Output& output_;
  const Clock& clock_;

  std::unique_ptr<os::EventLoop> loop_;
  std::unique_ptr<os::Children> children_;
  std::optional<Names> names_;  ///< with -l
  std::optional<Workers> workers_;
  privsep::MakeProgram make_sensor_;
  std::unique_ptr<SensorLink> sensor_;
  std::vector<std::string> told_notes_;  ///< on the confinement of the sensor before
  std::vector<std::string> captured_;    ///< the interfaces of the running sensor, as they were named at the start
  std::vector<unsigned> captured_index_;
  std::map<std::string, std::string> renamed_;  ///< interfaces that have another name now
  std::set<std::string> lost_;                  ///< interfaces that have vanished
  std::string loss_reason_;
  os::TimerId loss_timer_;
  std::optional<net::NetworkWatcher> network_;
  std::vector<net::IpAddress> local_addresses_;
  std::optional<os::PidFile> pid_file_;
  std::optional<int> ending_status_;
  std::function<void()> when_written_;  ///< once no line waits for a name
  bool is_reload_wanted_ = false;
  bool has_told_journal_failure_ = false;
  log::RateLimit eviction_limit_{1, std::chrono::minutes(1)};
  log::RateLimit restart_limit_{10, std::chrono::minutes(1)};
};

/// Whether the error of a sensor's start is that an interface could not be opened.
bool is_open_failure(const Error& error);

/// The interfaces to listen on: a list with commas, which latchkey.conf and -i may hold.
std::vector<std::string> choose_interfaces(const Options& options, const config::SuiteSettings& suite,
                                           const Config& config);

}  // namespace latchkey::knockd
