// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor's life: start, signals, end.
#include "knockd/monitor.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "common/net/link_type.h"
#include "common/os/notify.h"
#include "knockd/config_notes.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

// A command that does not end keeps nobody from shutting down: its stop command stays in the journal.
constexpr auto longest_end = std::chrono::seconds(60);
constexpr auto journal_retry = std::chrono::minutes(1);
constexpr std::string_view journal_folder = RUNSTATEDIR "/latchkey";

std::string_view describe_link(std::int32_t link_type) {
  if (link_type == static_cast<int>(net::LinkType::ethernet)) return texts::ethernet_detected;
  if (link_type == static_cast<int>(net::LinkType::sll)) return texts::cooked_detected;
  return texts::raw_detected;
}

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

}  // namespace

std::vector<std::string> choose_interfaces(const Options& options, const config::SuiteSettings& suite,
                                           const Config& config) {
  std::vector<std::string> interfaces;
  const auto add_list = [&](std::string_view list) {
    for (const std::string_view item : split(list, ','))
      if (!strip(item).empty()) interfaces.emplace_back(strip(item));
  };
  if (!options.interface.empty()) {
    add_list(options.interface);
  } else if (!suite.knockd_interfaces.empty()) {
    interfaces = suite.knockd_interfaces;
  } else {
    add_list(config.interface.value_or(""));
  }
  if (interfaces.empty()) interfaces.emplace_back("eth0");
  return interfaces;
}

Monitor::Monitor(const Options& options, config::SuiteSettings suite, Config config, Output& output, const Clock& clock)
    : options_(options),
      suite_(std::move(suite)),
      config_(std::move(config)),
      interfaces_(choose_interfaces(options, suite_, config_)),
      output_(output),
      clock_(clock) {}

int Monitor::run(os::DaemonStart start, const std::vector<Note>& notes) {
  if (auto prepared = prepare_loop(); !prepared) {
    output_.say(to_error, "daemon: " + prepared.error().text);
    return 1;
  }
  if (auto opened = output_.open_log(log_file(), config_.uses_syslog); !opened)
    output_.say(to_error, fmt::format(texts::no_log_file, opened.error().text));
  log_disabled_doors(notes, output_);
  // Before the addresses are read, so that no change falls in between.
  watch_network();
  if (!start_capturing()) return 1;
  write_start_lines();
  if (options_.is_daemon && !take_pid_file()) return 1;
  if (auto watched = watch_signals(); !watched) {
    output_.say(to_error, "daemon: " + watched.error().text);
    return 1;
  }
  // Before the starter ends: the service manager takes that for the end of the service until it knows of this process.
  if (!os::notify_ready()) output_.say(with_debug, "the service manager cannot be told");
  if (auto ready = start.ready(); !ready) {
    output_.say(to_error | to_log, "daemon: " + ready.error().text);
    return 1;
  }
  output_.say(with_verbose, fmt::format(texts::listening, join(interfaces_)));
  output_.say(to_log, fmt::format(texts::starting_up, join(interfaces_)));
  use_journal();
  const auto looped = loop_->run();
  if (!looped) {
    output_.say(to_error | to_log, "daemon: " + looped.error().text);
    return 1;
  }
  return ending_status_.value_or(1);
}

Result<void> Monitor::prepare_loop() {
  auto loop = os::EventLoop::create(clock_);
  if (!loop) return fail(loop.error());
  loop_ = std::move(*loop);
  auto children = os::Children::create(*loop_);
  if (!children) return fail(children.error());
  children_ = std::move(*children);
  workers_.emplace(*loop_, *children_, output_, WorkerLimits{});
  if (!options_.looks_up_names) return {};
  const std::string user = suite_.sandbox_user.empty() ? privsep::default_sensor_user() : suite_.sandbox_user;
  names_.emplace(*loop_, *children_, user, [this] {
    output_.write_held(true);
    if (when_written_ && !output_.has_held()) std::exchange(when_written_, nullptr)();
  });
  output_.use_names({.is_pending = [this](const net::IpAddress& address) { return names_->is_pending(address); },
                     .show = [this](const net::IpAddress& address) { return names_->show(address); }});
  return {};
}

/// The peer's texts, and its lines of shutdown behind all but the first.
bool Monitor::start_capturing() {
  auto addresses = find_local_addresses();
  if (!addresses) {
    output_.say(to_error, addresses.error().text);
    write_end_lines();
    return false;
  }
  local_addresses_ = std::move(*addresses);
  const auto started = start_sensor(interfaces_);
  if (started) return true;
  output_.say(to_error, started.error().text);
  if (!is_open_failure(started.error())) write_end_lines();
  return false;
}

void Monitor::write_start_lines() {
  for (std::size_t i = 0; i < sensor_->ready().interfaces.size(); ++i) {
    const auto& interface = sensor_->ready().interfaces[i];
    if (!interface.warning.empty())
      output_.say(to_error, fmt::format(texts::could_not_open, interfaces_[i], interface.warning));
    output_.say(with_debug, describe_link(interface.link_type));
  }
  write_confinement_notes();
  for (const net::IpAddress& address : local_addresses_)
    output_.say(with_debug, fmt::format(texts::local_address, net::format_ip_address(address)));
  write_filters();
}

/// Running with less confinement than asked for, or with less than the sensor before, is told without -D. Reading a
/// capture file as an ordinary user is what --replay is for.
void Monitor::write_confinement_notes() {
  for (const std::string& note : sensor_->notes()) {
    if (std::ranges::find(told_notes_, note) != told_notes_.end()) continue;
    const bool is_expected = is_replay() || privsep::is_about_old_kernel(note);
    output_.say(is_expected ? unsigned{with_debug} : to_error | to_log, is_expected ? note : "warning: " + note);
  }
  told_notes_ = sensor_->notes();
}

/// False: another daemon holds the file. Any other trouble is only told.
bool Monitor::take_pid_file() {
  auto taken = os::PidFile::acquire(pid_file(), 0644);
  if (taken) {
    pid_file_ = std::move(*taken);
    return true;
  }
  if (taken.error().stage == os::PidFileError::Stage::held) {
    output_.say(to_error | to_log,
                fmt::format("error: knockd is running already (pid {}, {})", taken.error().holder, pid_file()));
    return false;
  }
  output_.say(with_debug | to_log, fmt::format(texts::no_pid_file, pid_file(), taken.error().error.text));
  return true;
}

void Monitor::use_journal() {
  if (is_replay()) return;
  auto journal = StopJournal::open(std::string(journal_folder), journal_name(options_.config_path, join(interfaces_)),
                                   read_boot_id());
  if (!journal) {
    if (!has_told_journal_failure_)
      output_.say(to_error | to_log,
                  fmt::format("warning: stop commands would not survive a crash: {}", journal.error().text));
    has_told_journal_failure_ = true;
    loop_->call_after(journal_retry, [this] {
      if (!ending_status_) use_journal();
    });
    return;
  }
  workers_->use_journal(std::move(*journal));
}

Result<void> Monitor::watch_signals() {
  for (const int number : {SIGTERM, SIGINT})
    if (auto watched = loop_->on_signal(number, [this, number] { end(number); }); !watched) return watched;
  return loop_->on_signal(SIGHUP, [this] { reload(); });
}

void Monitor::end(int status) {
  const bool is_first = !ending_status_;
  ending_status_ = status;
  output_.say(with_verbose, texts::waiting);
  if (!is_first) return;
  if (!os::notify_stopping()) output_.say(with_debug, "the service manager cannot be told");
  const auto finish = [this] {
    // A look-up that is under way ends within a second.
    if (output_.has_held()) {
      when_written_ = [this] { leave(); };
    } else {
      leave();
    }
  };
  // Nobody gets in any more; what is open is closed now rather than in its time.
  if (!is_replay()) workers_->stop_waiting();
  sensor_.reset();  // while they run: the kernel takes its time for the capture
  if (workers_->is_idle()) return finish();
  workers_->on_idle(finish);
  if (!is_replay()) loop_->call_after(longest_end, finish);
}

void Monitor::leave() {
  write_end_lines();
  workers_->close_journal();
  if (pid_file_) pid_file_->remove();
  loop_->stop();
}

void Monitor::write_end_lines() {
  if (!ending_status_) output_.say(with_verbose, texts::waiting);
  output_.say(with_verbose, texts::closing);
  output_.say(to_log, texts::shutting_down);
  output_.write_held(false);
}

}  // namespace latchkey::knockd
