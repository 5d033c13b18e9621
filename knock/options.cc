// SPDX-License-Identifier: GPL-2.0-or-later
// The option table of knock and the texts made from it.
#include "config.h"

#include "knock/options.h"

#include <cstdio>
#include <limits>

#include "common/base/text.h"
#include "common/cli/usage.h"

namespace latchkey::knock {
namespace {

using Row = cli::Option<Options>;
using cli::Argument;
constexpr auto none = std::nullopt;

std::optional<int> print_and_exit(const std::string& text, int status) {
  std::fputs(text.c_str(), stdout);
  return status;
}

// clang-format off
constexpr auto table = std::to_array<Row>({
    {{.name = "udp", .letter = 'u', .help = "make all ports hits use UDP (default is TCP)"},
     [](Options& o, std::string_view) -> std::optional<int> { o.forces_udp = true; return none; }},
    {{.name = "delay", .letter = 'd', .argument = Argument::required, .placeholder = "<t>",
      .help = "wait <t> milliseconds between port hits"},
     [](Options& o, std::string_view value) -> std::optional<int> { o.delay = value; return none; }},
    {{.name = "ipv4", .letter = '4', .help = "Force usage of IPv4"},
     [](Options& o, std::string_view) -> std::optional<int> { o.family = net::Family::v4; return none; }},
    {{.name = "ipv6", .letter = '6', .help = "Force usage of IPv6"},
     [](Options& o, std::string_view) -> std::optional<int> { o.family = net::Family::v6; return none; }},
    {{.name = "verbose", .letter = 'v', .help = "be verbose"},
     [](Options& o, std::string_view) -> std::optional<int> { o.is_verbose = true; return none; }},
    {{.name = "version", .letter = 'V', .help = "display version"},
     [](Options&, std::string_view) { return print_and_exit(version_text(), 0); }},
    {{.name = "help", .letter = 'h', .help = "this help"},
     [](Options&, std::string_view) { return print_and_exit(usage_text(), 1); }},
});
// clang-format on
static_assert(cli::is_consistent(table));

}  // namespace

std::span<const cli::Option<Options>> option_table() { return table; }

std::string usage_text() {
  constexpr cli::UsageStyle style{.help_column = 23};
  return "usage: knock [options] <host> <port[:proto]> [port[:proto]] ...\noptions:\n" +
         cli::format_usage(cli::texts_of(option_table()), style) +
         "\nexample:  knock myserver.example.com 123:tcp 456:udp 789:tcp\n\n";
}

std::string version_text() { return "knock " PACKAGE_VERSION "\nCopyright (C) 2026 The Latchkey developers\n"; }

Result<int> parse_delay(std::string_view text) {
  const LenientNumber number = parse_lenient_number(text);
  if (!number.has_digits || !number.rest.empty() || number.value > std::numeric_limits<int>::max())
    return fail(Error{"error: invalid delay '" + std::string(text) + "'"});
  if (number.value < 0) return fail(Error{"error: delay cannot be negative"});
  return static_cast<int>(number.value);
}

}  // namespace latchkey::knock
