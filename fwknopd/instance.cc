// SPDX-License-Identifier: GPL-2.0-or-later
// Pid file, log routing and locale.
#include "fwknopd/instance.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>

#include "common/base/text.h"
#include "common/os/notify.h"

namespace latchkey::fwknopd {
namespace {

constexpr mode_t pid_file_mode = 0600;

const char* text_of(os::PidFileError::Stage stage) {
  using Stage = os::PidFileError::Stage;
  switch (stage) {
    case Stage::open:
    case Stage::held:
      return "Error trying to open PID file";
    case Stage::lock:
      return "Unexpected error from lockf";
    case Stage::read:
      return "Unable read existing PID file";
    case Stage::write:
      return "Lock may not be valid. PID file write error";
  }
  return "";
}

}  // namespace

void route_log(const Settings& settings, bool is_listing, log::Logger& log) {
  log.remove_sinks();
  const bool to_stderr = settings.foreground || is_listing;
  // As a service of systemd: each line once.
  const bool is_twice = settings.syslog_enable && os::is_journal(STDERR_FILENO);
  if (to_stderr && !is_twice) log.add(std::make_unique<log::StreamSink>(STDERR_FILENO));
  if (!to_stderr || settings.syslog_enable)
    log.add(std::make_unique<log::SyslogSink>(log::SyslogSink::Options{.identity = settings.syslog_identity,
                                                                       .facility = settings.syslog_facility,
                                                                       .with_pid = true,
                                                                       .fixed_level = {}}));
  log.set_threshold(settings.verbosity > 0 ? log::Level::debug : log::Level::info);
}

void set_locale(const Settings& settings, log::Logger& log) {
  if (settings.locale.empty() || starts_with_ignoring_case(settings.locale, "NONE")) return;
  if (std::setlocale(LC_ALL, settings.locale.c_str()) != nullptr) {
    log.info("Locale set to '{}'.", settings.locale);
  } else {
    log.error("WARNING: Unable to set locale to '{}'.", settings.locale);
  }
}

void Instance::look_at_pid_file(const Settings& settings) {
  struct stat facts {};
  if (::stat(settings.pid_file.c_str(), &facts) != 0) {
    if (settings.foreground && settings.verbosity > 0)
      fmt::print(stderr, "Error trying to open PID file: : {}\n", std::strerror(errno));
  } else if (!S_ISREG(facts.st_mode)) {
    fmt::print(stderr, "[-] file: {} is not a regular file or symbolic link.\nverify_file_perms_ownership() error\n",
               settings.pid_file);
  }
}

bool Instance::take(const Settings& settings) {
  path_ = settings.pid_file;
  log_.debug("[+] Writing my PID ({}) to the lock file: {}", ::getpid(), path_);
  auto taken = os::PidFile::acquire(path_, pid_file_mode);
  if (taken) {
    pid_file_ = std::move(*taken);
    return true;
  }
  const os::PidFileError& error = taken.error();
  if (error.stage == os::PidFileError::Stage::held) {
    fmt::print(stderr, "[*] An instance of fwknopd is already running: (PID={}).\n", error.holder);
    return false;
  }
  fmt::print(stderr, "{}: : {}\n", text_of(error.stage), error.error.text);
  fmt::print(stderr, "[*] PID file error. The lock may not be effective.\n");
  return true;
}

bool Instance::renew(const Settings& settings) {
  if (settings.pid_file == path_) return false;
  Instance other(log_);
  if (!other.take(settings)) {
    log_.error("[*] Another instance holds {}: keeping {}", settings.pid_file, path_);
    return false;
  }
  pid_file_ = std::move(other.pid_file_);
  path_ = std::move(other.path_);
  return true;
}

}  // namespace latchkey::fwknopd
