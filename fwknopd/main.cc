// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd: parse options, load configuration, run. The order is the peer's (spec/fwknopd-config.md 2).
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "common/base/random.h"
#include "common/config/suite.h"
#include "common/crypto/secret.h"
#include "common/log/logger.h"
#include "common/os/daemonize.h"
#include "fwknopd/config/access_file.h"
#include "fwknopd/config/build_settings.h"
#include "fwknopd/config/command_line.h"
#include "fwknopd/config/conf_file.h"
#include "fwknopd/config/dump.h"
#include "fwknopd/config/key_generation.h"
#include "fwknopd/config/load.h"
#include "fwknopd/config/run_folder.h"
#include "fwknopd/control.h"
#include "fwknopd/daemon.h"
#include "fwknopd/firewall/firewall.h"
#include "fwknopd/instance.h"
#include "fwknopd/rule_verbs.h"

namespace latchkey::fwknopd {
namespace {

class Program {
 public:
  explicit Program(std::span<char* const> argv) : reader_(argv), report_(log_, Report::Mode::running) {
    log_.add(std::make_unique<log::StreamSink>(STDERR_FILENO));
  }

  int run() {
    if (const auto status = reader_.read_first(line_)) return *status;
    if (line_.key_gen || line_.key_gen_file) return generate();
    if (const auto status = reader_.read_files(line_)) return *status;
    if (reader_.asks_for_check()) return check();
    const int status = start();
    if (status != 0 && line_.exit_parse_config && line_.verbosity > 0) explain_failure(line_, log_);
    return status;
  }

 private:
  // An empty result goes on, a number is the exit status.
  using Status = std::optional<int>;

  int start() {
    if (const auto status = read_settings()) return *status;
    if (const auto status = control()) return *status;
    if (const auto status = prepare()) return *status;
    if (const auto status = use_firewall()) return *status;
    if (const auto status = read_stanzas()) return *status;
    return run_as_daemon();
  }

  int generate() {
    SystemRng rng;
    return generate_keys(line_, rng);
  }

  int check() {
    if (const auto status = reader_.read_rest(line_, log_)) return *status;
    const int status = check_configuration(line_, log_);
    return load_suite() ? status : 1;
  }

  std::optional<config::SuiteSettings> load_suite() {
    const auto path = line_.suite_conf.empty() ? std::string(config::default_suite_path) : line_.suite_conf;
    auto suite = config::load_suite_settings(path, !line_.suite_conf.empty());
    if (suite) return std::move(*suite);
    log_.error("{}", suite.error().text);
    return {};
  }

  Status read_settings() {
    auto texts = read_conf(line_.config_file, line_.overrides, report_);
    if (!texts) return 1;
    const auto verbosity = read_verbosity(*texts, report_);
    if (!verbosity) return 1;
    if (const auto status = reader_.read_rest(line_, log_)) return status;
    auto settings = build_settings(std::move(*texts), *verbosity, line_, report_);
    if (!settings) return 1;
    settings_ = std::move(*settings);
    return {};
  }

  Status control() {
    if (line_.kill) return kill_daemon(settings_);
    if (line_.status) return tell_status(settings_);
    if (line_.restart) return send_restart(settings_);
    return {};
  }

  Status prepare() {
    if (!take_syslog_facility(settings_, report_)) return 1;
    route_log(settings_, is_listing(), log_);
    set_locale(settings_, log_);
    if (!prepare_run_folder(settings_.run_dir, log_)) return 1;
    if (!parse_chains(settings_, report_)) return 1;
    return {};
  }

  bool is_listing() const { return line_.fw_list || line_.fw_list_all || line_.fw_flush; }

  Status use_firewall() {
    if (line_.fw_list || line_.fw_list_all) {
      list_rules(settings_, line_.fw_list_all, log_);
      return ::access(settings_.firewall.exe.c_str(), X_OK) == 0 ? 0 : 1;
    }
    if (!line_.fw_flush) return {};
    flush_rules(settings_, log_);
    return 0;
  }

  Status read_stanzas() {
    auto stanzas = read_access(settings_, report_);
    if (!stanzas) return 1;
    stanzas_ = std::move(*stanzas);
    if (line_.dump_config) return dump();
    if (!check_firewall(settings_, stanzas_, report_)) return 1;
    if (!line_.exit_parse_config) return {};
    log_.info("Configs parsed, exiting.");
    return 0;
  }

  int dump() const {
    fmt::print("{}{}", dump_settings(settings_), dump_stanzas(stanzas_));
    return 0;
  }

  int run_as_daemon() {
    const auto suite = load_suite();
    if (!suite) return 1;
    const Reloader reloader(line_, log_);
    os::DaemonStart start;
    Instance instance(log_);
    if (!settings_.exit_parse_digest_cache) {
      Instance::look_at_pid_file(settings_);
      if (!settings_.foreground && !go_to_background(start)) return 1;
      hold_signals();
      if (!instance.take(settings_)) return 1;
      log_.info("Starting fwknopd");
    }
    if (settings_.foreground && settings_.verbosity > 1) dump();
    std::fflush(stdout);
    const auto renew = [this, &instance](const Settings& settings) {
      route_log(settings, false, log_);
      set_locale(settings, log_);
      return instance.renew(settings);
    };
    return run_daemon({.configuration = {std::move(settings_), std::move(stanzas_)},
                       .reload = [&reloader] { return reloader.load(); },
                       .log = log_,
                       .start = std::move(start),
                       .sandbox = {.user = suite->sandbox_user, .is_enabled = suite->sandbox_enable},
                       .on_new_settings = renew});
  }

  /// Who finds us in the pid file may send them, and the event loop, which takes them, does not run yet.
  static void hold_signals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&held, number);
    sigprocmask(SIG_BLOCK, &held, nullptr);
  }

  bool go_to_background(os::DaemonStart& start) {
    ::umask(077);
    auto daemonized = os::daemonize();
    if (!daemonized) {
      fmt::print(stderr, "Unable to fork: : {}\n", daemonized.error().text);
      return false;
    }
    start = std::move(*daemonized);
    return true;
  }

  CommandLineReader reader_;
  CommandLine line_;
  log::Logger log_;
  Report report_;
  Settings settings_;
  std::vector<Stanza> stanzas_;
};

}  // namespace
}  // namespace latchkey::fwknopd

int main(int argc, char** argv) {
  using namespace latchkey;
  try {
    if (const auto opened = os::open_standard_streams(); !opened) return 1;
    // No core file, and nobody but root looks into a process that holds keys. Programs that it starts are not affected.
    ::prctl(PR_SET_DUMPABLE, 0);
    if (const auto started = crypto::init(); !started) {
      fmt::print(stderr, "{}\n", started.error().text);
      return 1;
    }
    return fwknopd::Program(std::span(argv, static_cast<std::size_t>(argc))).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "fwknopd: {}\n", error.what());
    return 1;
  }
}
