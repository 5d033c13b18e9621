// SPDX-License-Identifier: GPL-2.0-or-later
// Life of the monitor: start, signals, reload, end.
#include "fwknopd/monitor.h"

#include <signal.h>

#include <algorithm>

#include "common/os/notify.h"
#include "fwknopd/config/run_folder.h"
#include "fwknopd/firewall/ip_forward.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::chrono::milliseconds first_restart_delay{100};

log::Level threshold_for(int verbosity) { return verbosity >= 1 ? log::Level::debug : log::Level::info; }

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::create(DaemonOptions options) {
  std::unique_ptr<Monitor> monitor(new Monitor(std::move(options)));
  auto loop = os::EventLoop::create(monitor->clock_);
  if (!loop) return fail(Error{loop.error()});
  monitor->loop_ = std::move(*loop);
  auto children = os::Children::create(*monitor->loop_);
  if (!children) return fail(Error{children.error()});
  monitor->children_ = std::move(*children);
  return monitor;
}

Monitor::Monitor(DaemonOptions options)
    : options_(std::move(options)),
      log_(options_.log),
      configuration_(std::make_unique<Configuration>(std::move(options_.configuration))),
      digests_(log_),
      restart_delay_(first_restart_delay) {}

Monitor::~Monitor() {
  // The desks use journal, children and loop.
  gpg_.reset();
  commands_.reset();
  grants_.reset();
  channel_.reset();
  old_channels_.clear();
}

int Monitor::run() {
  digests_.open(settings(), settings().rotate_digest_cache);
  if (settings().exit_parse_digest_cache) {
    log_.info(text::cache_parsed);
    return 0;
  }
  if (!start()) return 1;
  const auto ran = loop_->run();
  if (!ran) log_.error("{}", ran.error().text);
  return ran ? exit_status_ : 1;
}

bool Monitor::start() {
  watch_signals();
  journal_ = std::make_unique<GrantJournal>(log_, clock_);
  commands_ = std::make_unique<CommandDesk>(log_, *loop_, *children_, *journal_);
  commands_->set_configuration(*configuration_);
  gpg_ = std::make_unique<GpgDesk>(GpgDeskContext{log_, *loop_, *children_, options_.sandbox, [this](ByteView payload) {
                                                    if (channel_)
                                                      channel_->send(
                                                          static_cast<std::uint16_t>(MessageType::gpg_answer), payload);
                                                  }});
  if (!start_firewall(StartKind::fresh, recover())) {
    grants_->flush();
    return false;
  }
  const FirewallSettings& firewall = settings().firewall;
  if (firewall.enables_ip_forward && firewall.forwarding && !settings().test_mode) enable_ip_forward(log_);
  if (!start_queue() || !start_sensor()) {
    queue_.reset();
    grants_->stop();
    return false;
  }
  return true;
}

/// After a reload the rules of the queue stay, unless they would be others.
bool Monitor::start_queue() {
  if (queue_ && !queue_->serves(settings())) queue_.reset();
  if (queue_ || settings().capture.mode != CaptureMode::nfqueue) return true;
  queue_ = std::make_unique<QueueCapture>(settings(), log_, *journal_, options_.open_queue);
  return queue_->start();
}

bool Monitor::start_firewall(StartKind kind, std::vector<OpenRule> rules) {
  grants_ = std::make_unique<GrantDesk>(GrantDeskContext{*configuration_, log_, *loop_, *children_, *journal_});
  return grants_->start(kind, std::move(rules));
}

/// What an earlier process left open: closed if it is due, watched again if it is not.
std::vector<OpenRule> Monitor::recover() {
  if (settings().test_mode) return {};  // it opens nothing, closes nothing, and forgets nothing
  JournalContents left = journal_->open(journal_path(settings()));
  leave_old_places(left.places);
  // A daemon that ended with FLUSH_*_AT_EXIT N left its rules on purpose; FLUSH_*_AT_INIT Y then means what it says.
  if (left.is_ended && settings().firewall.flush_at_init) {
    for (const OpenRule& open : left.rules) journal_->closed(open);
    left.rules.clear();
  }
  const MonotonicTime now = clock_.monotonic();
  for (const OpenRule& open : left.rules) {
    const std::string& chain = chain_of(settings().firewall, open.rule.slot).to_chain;
    const std::string address = net::format_ip_address(open.rule.allowed);
    if (open.due <= now) {
      log_.info(text::rule_overdue, chain, address, open.rule.expires_at_s);
    } else if (!grants_in(open.rule.slot)) {
      log_.info(text::rule_ended, name_of(open.rule.kind), address, open.rule.expires_at_s);
    } else {
      log_.info(text::rule_restored, name_of(open.rule.kind), chain, address, open.rule.expires_at_s);
    }
  }
  commands_->restore(left.closes);
  return std::move(left.rules);
}

/// The configuration has changed since an earlier start: what it named then, and does not name now, would stay for
/// ever.
void Monitor::leave_old_places(const std::vector<EnteredPlace>& left) {
  const auto wanted = places_of(settings(), configuration_->stanzas);
  for (const EnteredPlace& entered : left) {
    if (std::ranges::find(wanted, entered.place) != wanted.end()) continue;
    if (!remove_place(entered.place, log_, settings().verbosity)) continue;
    log_.info(text::place_left, entered.place.name);
    journal_->leave(entered.place);
  }
}

bool Monitor::grants_in(Slot slot) const {
  if (!needs_firewall(settings(), configuration_->stanzas)) return false;
  const auto slots = active_slots(settings().firewall, configuration_->stanzas);
  return std::ranges::find(slots, slot) != slots.end();
}

// --- signals -------------------------------------------------------------------------------------------------------

void Monitor::watch_signals() {
  const auto watch = [this](int number, const char* name, std::function<void()> action) {
    const auto watched = loop_->on_signal(number, std::move(action));
    if (!watched) log_.error("* Error setting {} handler: {}", name, watched.error().text);
  };
  watch(SIGTERM, "SIGTERM", [this] { on_end_signal("SIGTERM"); });
  watch(SIGINT, "SIGINT", [this] { on_end_signal("SIGINT"); });
  watch(SIGHUP, "SIGHUP", [this] { on_reload(); });
  watch(SIGUSR1, "SIGUSR1", [] {});
  watch(SIGUSR2, "SIGUSR2", [] {});
}

void Monitor::on_end_signal(const char* name) {
  if (is_ending_) return;
  if (settings().capture.mode == CaptureMode::udp_server && settings().verbosity >= 1) log_.info(text::udp_stopping);
  log_.info(text::leaving);
  log_.warning(text::got_signal, name);
  end(0);
}

void Monitor::end(int status) {
  if (is_ending_) return;
  is_ending_ = true;
  exit_status_ = status;
  static_cast<void>(os::notify_stopping());
  if (status == 0) log_.info(text::shutting_down);
  stop_sensor();
  gpg_->stop();
  // First, because commands may take their time, and who waits for the end may lose patience.
  queue_.reset();
  grants_->stop();
  commands_->finish([this] { finish(); });
}

void Monitor::finish() {
  static_cast<void>(children_->end_now(sensor_pid_));  // nothing of us is left
  journal_->end();
  loop_->stop();
}

void Monitor::on_reload() {
  if (is_ending_) return;
  static_cast<void>(os::notify_reloading());
  log_.info(text::leaving);
  log_.warning(text::got_sighup);
  auto reloaded = options_.reload ? options_.reload() : std::nullopt;
  if (reloaded && prepare_run_folder(reloaded->settings.run_dir, log_)) {
    use(std::move(*reloaded), StartKind::reload);
  } else {
    log_.error(text::reload_failed);
  }
  static_cast<void>(os::notify_ready());
}

/// Rules that are open stay open; chains are only made anew when their definitions changed. The configuration before
/// this one is kept until the sensor captures, because a capture filter proves itself only then.
void Monitor::use(Configuration configuration, StartKind kind) {
  stop_sensor();
  gpg_->stop();  // it runs by the configuration that goes
  const bool keeps_chains = grants_->keeps_chains(configuration);
  auto rules = grants_->release();
  if (!keeps_chains) grants_->flush();
  grants_.reset();
  auto before = std::exchange(configuration_, std::make_unique<Configuration>(std::move(configuration)));
  // Of several reloads in a row only what came before the first is known to work.
  if (!previous_ && kind == StartKind::reload) previous_ = std::move(before);
  log_.set_threshold(threshold_for(settings().verbosity));
  commands_->set_configuration(*configuration_);
  const bool is_new_pid_file = options_.on_new_settings && options_.on_new_settings(settings());
  log_.info("{}", is_new_pid_file ? text::starting : text::restarting);
  journal_->move_to(journal_path(settings()));
  // What the way there has rotated stays where it is on the way back.
  digests_.open(settings(), settings().rotate_digest_cache && kind != StartKind::back);
  const bool has_firewall = start_firewall(keeps_chains ? kind : StartKind::fresh, std::move(rules));
  if (!has_firewall || !start_queue() || !start_sensor()) on_capture_failed();
}

/// The new configuration does not work: back to the one before, once; at the start there is none.
void Monitor::on_capture_failed() {
  if (!previous_) return end(1);
  log_.error(text::reload_failed);
  const std::unique_ptr<Configuration> old = std::move(previous_);
  use(std::move(*old), StartKind::back);
}

}  // namespace latchkey::fwknopd
