// SPDX-License-Identifier: GPL-2.0-or-later
// knockd: parse options, load the configuration, go to the background, run the monitor.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "common/cli/scan.h"
#include "common/config/suite.h"
#include "common/os/daemonize.h"
#include "knockd/config_notes.h"
#include "knockd/monitor.h"
#include "knockd/options.h"
#include "knockd/texts.h"

namespace latchkey::knockd {
namespace {

// Both kinds of problems are told before the exit status counts them.
int test_config(const Options& options, bool has_suite) {
  const auto reading = read_config(
      options.config_path,
      {.has_interface = false, .becomes_daemon = options.is_daemon, .wants_debug = false, .opens_files = false});
  return print_notes(reading.notes) && has_suite ? 0 : 1;
}

int run(std::span<char* const> arguments) {
  Options options;
  const auto parsed = cli::parse_options(arguments, option_table(), options);
  if (parsed.kind == cli::Outcome::Kind::stopped) return parsed.exit_status;
  if (parsed.kind == cli::Outcome::Kind::bad_option) {
    fmt::print("{}", usage_text());
    return 1;
  }
  const bool is_suite_named = !options.suite_path.empty();
  auto suite = config::load_suite_settings(
      is_suite_named ? options.suite_path : std::string(config::default_suite_path), is_suite_named);
  if (!suite) fmt::print(stderr, "{}\n", suite.error().text);
  if (options.only_tests_config) return test_config(options, suite.ok());
  if (!suite) return 1;

  const SystemClock clock;
  Output output({options.is_verbose, options.is_debug}, clock);
  const bool has_interface = !options.interface.empty() || !suite->knockd_interfaces.empty();
  auto reading = read_config(
      options.config_path,
      {.has_interface = has_interface, .becomes_daemon = options.is_daemon, .wants_debug = options.is_debug});
  write_notes_at_start(reading.notes, output);
  if (!reading.config) {
    fmt::print("{}", usage_text());
    return 1;
  }

  auto start = options.is_daemon ? os::daemonize() : Result<os::DaemonStart>(os::DaemonStart());
  if (!start) {
    fmt::print(stderr, "daemon: {}\n", start.error().text);
    return 1;
  }
  Monitor monitor(options, std::move(*suite), std::move(*reading.config), output, clock);
  return monitor.run(std::move(*start), reading.notes);
}

}  // namespace
}  // namespace latchkey::knockd

int main(int argc, char** argv) {
  try {
    if (!latchkey::os::open_standard_streams()) return 1;
    return latchkey::knockd::run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& fault) {
    fmt::print(stderr, "knockd: {}\n", fault.what());
    return 1;
  }
}
