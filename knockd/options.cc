// SPDX-License-Identifier: GPL-2.0-or-later
// The option table of knockd.
#include "config.h"

#include "knockd/options.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/cli/usage.h"
#include "common/log/escape.h"

namespace latchkey::knockd {
namespace {

using cli::Argument;
using Exit = std::optional<int>;
using Text = std::string_view;

constexpr std::size_t max_interface_bytes = 31;
constexpr std::size_t max_path_bytes = 4095;

void set_path(std::string& path, Text value) { path = log::cut_utf8(value, max_path_bytes); }

Exit show_version(Options&, Text) {
  fmt::print("knockd {}\nCopyright (C) 2026 The Latchkey developers\n", PACKAGE_VERSION);
  return 0;
}

Exit show_usage(Options&, Text) {
  fmt::print("{}", usage_text());
  return 0;
}

constexpr auto table = std::to_array<cli::Option<Options>>({
    {{.name = "interface", .letter = 'i', .argument = Argument::required, .placeholder = "<int>",
      .help = "network interface to listen on (default \"eth0\")"},
     [](Options& options, Text value) -> Exit {
       // A name is cut as the peer cuts it; a list is ours.
       const bool is_list = value.find(',') != Text::npos;
       options.interface = is_list ? value : log::cut_utf8(value, max_interface_bytes);
       return {};
     }},
    {{.name = "daemon", .letter = 'd', .help = "run as a daemon"},
     [](Options& options, Text) -> Exit {
       options.is_daemon = true;
       return {};
     }},
    {{.name = "config", .letter = 'c', .argument = Argument::required, .placeholder = "<file>",
      .help = "use an alternate config file"},
     [](Options& options, Text value) -> Exit {
       set_path(options.config_path, value);
       return {};
     }},
    {{.name = "debug", .letter = 'D', .help = "output debug messages"},
     [](Options& options, Text) -> Exit {
       options.is_debug = true;
       return {};
     }},
    {{.name = "lookup", .letter = 'l', .help = "lookup DNS names (may be a security risk)"},
     [](Options& options, Text) -> Exit {
       options.looks_up_names = true;
       return {};
     }},
    {{.name = "pidfile", .letter = 'p', .argument = Argument::required, .help = "use an alternate pidfile"},
     [](Options& options, Text value) -> Exit {
       set_path(options.pid_file, value);
       return {};
     }},
    {{.name = "logfile", .letter = 'g', .argument = Argument::required, .help = "use an alternate logfile"},
     [](Options& options, Text value) -> Exit {
       set_path(options.log_file, value);
       return {};
     }},
    {{.name = "verbose", .letter = 'v', .help = "be verbose"},
     [](Options& options, Text) -> Exit {
       options.is_verbose = true;
       return {};
     }},
    {{.name = "only-ip-v4", .letter = '4', .help = "do not track ipv6"},
     [](Options& options, Text) -> Exit {
       options.only_v4 = true;
       return {};
     }},
    {{.name = "version", .letter = 'V', .help = "display version"}, show_version},
    {{.name = "help", .letter = 'h', .help = "this help"}, show_usage},
    {{.name = "replay", .argument = Argument::required, .placeholder = "<file>",
      .help = "take packets from a capture file", .is_extension = true},
     [](Options& options, Text value) -> Exit {
       options.replay_file = value;
       return {};
     }},
    {{.name = "test-config", .help = "check the config file, say what is wrong", .is_extension = true},
     [](Options& options, Text) -> Exit {
       options.only_tests_config = true;
       return {};
     }},
    {{.name = "suite-conf", .argument = Argument::required, .placeholder = "<file>",
      .help = "use an alternate latchkey.conf", .is_extension = true},
     [](Options& options, Text value) -> Exit {
       options.suite_path = value;
       return {};
     }},
});
static_assert(cli::is_consistent(table));

}  // namespace

std::span<const cli::Option<Options>> option_table() { return table; }

std::string usage_text() {
  const auto texts = cli::texts_of<Options>(table);
  return fmt::format("usage: knockd [options]\noptions:\n{}\n",
                     cli::format_usage(texts, {.names_column = 2, .long_only_column = 6, .help_column = 25}));
}

}  // namespace latchkey::knockd
