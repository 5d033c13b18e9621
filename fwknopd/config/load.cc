// SPDX-License-Identifier: GPL-2.0-or-later
// All files at once.
#include "fwknopd/config/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "fwknopd/config/access_file.h"
#include "fwknopd/config/build_settings.h"
#include "fwknopd/config/conf_file.h"
#include "fwknopd/config/conf_table.h"

namespace latchkey::fwknopd {
namespace {

void print(const std::vector<config::Diagnostic>& diagnostics) {
  const bool has_terminal = ::isatty(STDERR_FILENO) == 1;
  std::string text;
  for (const config::Diagnostic& diagnostic : diagnostics)
    text += config::format_diagnostic(diagnostic, has_terminal) + "\n";
  // Standard error may be closed; the exit status still tells.
  (void)write_all(STDERR_FILENO, text);
}

}  // namespace

bool take_syslog_facility(Settings& settings, Report& report) {
  const std::string text = settings.texts[conf_row("SYSLOG_FACILITY")].value_or("");
  const auto facility = parse_syslog_facility(text);
  if (!facility) report.error({}, "Invalid SYSLOG_FACILITY setting '{}'", text);
  settings.syslog_facility = facility.value_or(0);
  return report.goes_on();
}

bool check_firewall(const Settings& settings, const std::vector<Stanza>& stanzas, Report& report) {
  const FirewallSettings& firewall = settings.firewall;
  const auto program = std::string_view(firewall.exe).substr(0, firewall.exe.find(' '));
  if (program.substr(program.rfind('/') + 1) != "nft" || !needs_firewall(settings, stanzas)) return true;
  const config::Diagnostic diagnostic{
      .place = firewall.exe_place,
      .text = fmt::format("FIREWALL_EXE '{}' does not take the arguments of iptables: use /usr/sbin/iptables, whose "
                          "rules are rules of nftables",
                          firewall.exe),
      .source_line = {}};
  report.error(diagnostic.place, "{}",
               report.is_checking() ? diagnostic.text : config::format_diagnostic(diagnostic, false));
  return report.goes_on();
}

std::optional<Configuration> load_configuration(const CommandLine& line, Report& report) {
  auto texts = read_conf(line.config_file, line.overrides, report);
  if (!texts) return std::nullopt;
  const auto verbosity = read_verbosity(*texts, report);
  if (!verbosity) return std::nullopt;
  auto settings = build_settings(std::move(*texts), *verbosity, line, report);
  if (!settings || !take_syslog_facility(*settings, report) || !parse_chains(*settings, report)) return std::nullopt;
  auto stanzas = read_access(*settings, report);
  if (!stanzas || !check_firewall(*settings, *stanzas, report)) return std::nullopt;
  return Configuration{std::move(*settings), std::move(*stanzas)};
}

int check_configuration(const CommandLine& line, log::Logger& log) {
  Report report(log, Report::Mode::checking);
  const bool is_loaded = load_configuration(line, report).has_value();
  print(report.diagnostics());
  return is_loaded && !report.has_errors() ? 0 : 1;
}

void explain_failure(const CommandLine& line, log::Logger& log) {
  Report report(log, Report::Mode::checking);
  static_cast<void>(load_configuration(line, report));
  const bool has_place = std::ranges::any_of(report.diagnostics(), [](const config::Diagnostic& diagnostic) {
    return diagnostic.severity == config::Severity::error && diagnostic.place.line != 0;
  });
  if (has_place) print(report.diagnostics());
}

Reloader::Reloader(CommandLine line, log::Logger& log)
    : line_(std::move(line)), log_(log), folder_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

std::optional<Configuration> Reloader::load() const {
  const Fd present(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const bool has_moved = folder_ && present && ::fchdir(folder_.get()) == 0;
  Report report(log_, Report::Mode::running);
  auto configuration = load_configuration(line_, report);
  if (has_moved && ::fchdir(present.get()) != 0)
    log_.error("cannot go back to the working directory: {}", os_error("").text);
  return configuration;
}

}  // namespace latchkey::fwknopd
