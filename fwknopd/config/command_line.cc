// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd's options: the table, and the three readings of the command line.
#include "fwknopd/config/command_line.h"

#include "config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/base/text.h"
#include "common/cli/usage.h"
#include "common/net/packet_queue.h"
#include "common/spa/code.h"
#include "fwknopd/config/conf_table.h"
#include "fwknopd/config/path_check.h"

namespace latchkey::fwknopd {
namespace {

using cli::Argument;
using std::string_view;
using Verdict = std::optional<int>;

constexpr std::size_t most_hmac_key_bytes = 128;

struct Target {
  CommandLine& line;
  log::Logger* log;  ///< only for the rows of the last reading
};

/// The reading that a row acts in. `keys` is read first, and is an error later without --key-gen.
enum class Phase { first, keys, files, rest };

/// What a path must be; `complaint` has {} for it.
struct PathRule {
  PathKind kind;
  string_view complaint;
};

/// One option. Without `set`, its argument is the value of `keyword` in fwknopd.conf.
struct Row {
  cli::OptionText text;
  Phase phase;
  Verdict (*set)(Target target, string_view value);
  string_view keyword = {};
  std::optional<PathRule> path = {};
};

// --- setters ------------------------------------------------------------------------------------------------------

Verdict print(string_view text, int status) {
  fmt::print("{}", text);
  return status;
}
Verdict refuse(string_view text) {
  fmt::print(stderr, "{}\n", text);
  return 1;
}

Verdict set_packet_limit(Target target, string_view value) {
  const auto limit = parse_number<unsigned>(value, 0, 2147483647);
  if (!limit) {
    target.log->error("[*] invalid -C packet count limit '{}'", value);
    return 1;
  }
  target.line.packet_limit = *limit;
  return {};
}

Verdict set_key_length(Target target, string_view value) {
  const auto length = parse_number<std::size_t>(value, 1, spa::limit::cipher_key);
  if (!length) return refuse(fmt::format("Invalid key length '{}', must be in [1-{}]", value, spa::limit::cipher_key));
  target.line.key_settings.key_bytes = *length;
  return {};
}

Verdict set_hmac_key_length(Target target, string_view value) {
  const auto length = parse_number<std::size_t>(value, 1, most_hmac_key_bytes);
  if (!length)
    return refuse(fmt::format("Invalid hmac key length '{}', must be in [1-{}]", value, most_hmac_key_bytes));
  target.line.key_settings.hmac_key_bytes = *length;
  return {};
}

Verdict set_hmac_type(Target target, string_view value) {
  const auto type = crypto::parse_digest_type(value);
  if (!type) return refuse(fmt::format("* Invalid hmac digest type: {}, use {{md5,sha1,sha256,sha384,sha512}}", value));
  target.line.key_settings.hmac_type = *type;
  return {};
}

Verdict print_error_codes(Target, string_view) { return print(spa::format_server_codes(), 0); }

Verdict refuse_afl(Target target, string_view) {
  target.log->error("[*] fwknopd not compiled with AFL fuzzing support");
  return 1;
}
Verdict refuse_faults(Target target, string_view) {
  target.log->error("[*] fwknopd not compiled with libfiu support");
  return 1;
}

template <bool CommandLine::*... Members>
Verdict switch_on(Target target, string_view) {
  ((target.line.*Members = true), ...);
  return {};
}
template <auto Member>
Verdict take_text(Target target, string_view value) {
  target.line.*Member = value;
  return {};
}
Verdict say_more(Target target, string_view) {
  ++target.line.verbosity;
  return {};
}
Verdict print_usage(Target, string_view) { return print(usage_text(), 0); }
Verdict print_version(Target, string_view) { return print(version_text(), 0); }

constexpr cli::OptionText flag(string_view name, char letter, string_view help) {
  return {.name = name, .letter = letter, .help = help};
}
constexpr cli::OptionText with(string_view name, char letter, string_view help) {
  return {.name = name, .letter = letter, .argument = Argument::required, .help = help};
}
constexpr Row value_of(string_view keyword, cli::OptionText text) { return {text, Phase::rest, nullptr, keyword}; }
constexpr Row path_of(string_view keyword, cli::OptionText text, PathKind kind, string_view complaint) {
  return {text, Phase::rest, nullptr, keyword, PathRule{kind, complaint}};
}

// --- the table, in getopt's order ---------------------------------------------------------------------------------

constexpr auto rows = std::to_array<Row>({
    path_of("ACCESS_FILE", with("access-file", 'a', "Read the stanzas from this file instead of\naccess.conf."),
            PathKind::regular_file, "[*] Invalid access.conf file path '{}'"),
    path_of("ACCESS_FOLDER", with("access-folder", 0, "Read the stanzas from all .conf files of this\nfolder."),
            PathKind::folder,
            "[*] Invalid access folder directory '{}' could not lstat(), does not exist, or too large?"),
    {flag("afl-fuzzing", 'A', "Not supported; the fuzz targets have programs of\ntheir own."), Phase::rest, refuse_afl},
    {with("afl-pkt-file", 0, ""), Phase::rest, refuse_afl},
    {with("config-file", 'c', "Read this file instead of fwknopd.conf."), Phase::files,
     take_text<&CommandLine::config_file>},
    {with("packet-limit", 'C', "End after this number of captured packets;\n0 is no limit."), Phase::rest,
     set_packet_limit},
    value_of("DIGEST_FILE", with("digest-file", 'd', "Keep the replay cache in this file.")),
    {flag("dump-config", 'D', "Print the configuration in effect and exit."), Phase::rest,
     switch_on<&CommandLine::dump_config>},
    {flag("dump-serv-err-codes", 0, "Print the server's error codes and exit."), Phase::rest, print_error_codes},
    {flag("exit-parse-config", 0,
          "Read the configuration and exit. With -v -v, or\nwith -v on a terminal, tell every problem."),
     Phase::rest, switch_on<&CommandLine::exit_parse_config, &CommandLine::foreground>},
    {flag("exit-parse-digest-cache", 0, "Read the replay cache, too, and exit."), Phase::rest,
     switch_on<&CommandLine::exit_parse_digest_cache, &CommandLine::foreground>},
    {flag("syslog-enable", 0, "With -f: write the log to syslog, too."), Phase::rest,
     switch_on<&CommandLine::syslog_enable>},
    {flag("foreground", 'f', "Stay in the foreground and log to standard error."), Phase::rest,
     switch_on<&CommandLine::foreground>},
    {with("fault-injection-tag", 0, "Not supported."), Phase::rest, refuse_faults},
    {flag("fw-flush", 0, "Delete the firewall rules of fwknopd and exit."), Phase::rest,
     switch_on<&CommandLine::fw_flush>},
    {flag("fw-list", 0, "List the firewall rules of fwknopd and exit."), Phase::rest, switch_on<&CommandLine::fw_list>},
    {flag("fw-list-all", 0, "List all firewall rules and exit."), Phase::rest, switch_on<&CommandLine::fw_list_all>},
    path_of("GPG_HOME_DIR", with("gpg-home-dir", 0, "GnuPG's home, where a stanza names none."), PathKind::folder,
            "[*] gpg home directory '{}' could not lstat(), does not exist, or too large?"),
    path_of("GPG_EXE", with("gpg-exe", 0, "The gpg program, where a stanza names none."), PathKind::executable,
            "[*] gpg path '{}' could not lstat()/not executable?"),
    {flag("help", 'h', "Print this text and exit."), Phase::files, print_usage},
    {flag("key-gen", 0, "Print a new encryption key and HMAC key and exit."), Phase::first,
     switch_on<&CommandLine::key_gen>},
    {with("key-gen-file", 0, "The same, into this file."), Phase::first, take_text<&CommandLine::key_gen_file>},
    {with("key-len", 0, "Bytes of the new encryption key, 1-32 (32)."), Phase::keys, set_key_length},
    {with("hmac-key-len", 0, "Bytes of the new HMAC key, 1-128 (by digest)."), Phase::keys, set_hmac_key_length},
    {with("hmac-digest-type", 0, "Digest that the new HMAC key is for (sha256)."), Phase::keys, set_hmac_type},
    value_of("PCAP_INTF", with("interface", 'i', "Listen on this interface.")),
    {flag("kill", 'K', "End the running fwknopd."), Phase::rest, switch_on<&CommandLine::kill>},
    value_of("LOCALE", with("locale", 'l', "Set this locale; NONE leaves it alone.")),
    {{.name = "nfq-capture",
      .letter = 'n',
      .help = "Take the packets from a netfilter queue.",
      .presence = cli::Presence::optional},
     Phase::rest,
     switch_on<&CommandLine::nfq_capture>},
    {flag("no-firewd-check-support", 0, "firewall-cmd has no rule check (-C)."), Phase::rest,
     switch_on<&CommandLine::no_rule_check_support>},
    {flag("no-ipt-check-support", 0, "iptables has no rule check (-C)."), Phase::rest,
     switch_on<&CommandLine::no_rule_check_support>},
    {with("override-config", 'O', "Files, separated by commas, whose entries go over\nthose of fwknopd.conf."),
     Phase::files, take_text<&CommandLine::overrides>},
    path_of("PCAP_FILE", with("pcap-file", 0, "Take the packets from this capture file."), PathKind::regular_file,
            "[*] Invalid pcap file path '{}'"),
    value_of("PCAP_FILTER",
             with("pcap-filter", 'P',
                  "Capture only what this filter expression lets\nthrough; an empty one lets all through.")),
    {flag("pcap-any-direction", 0, "Look at outgoing packets, too."), Phase::rest,
     switch_on<&CommandLine::any_direction>},
    value_of("FWKNOP_PID_FILE", with("pid-file", 'p', "Keep the process number in this file.")),
    {flag("rotate-digest-cache", 0, "Begin a new replay cache; the old one gets the\nsuffix -old."), Phase::rest,
     switch_on<&CommandLine::rotate_digest_cache>},
    value_of("FWKNOP_RUN_DIR", with("run-dir", 'r', "Folder of the pid file and the replay cache.")),
    {flag("restart", 'R', "Make the running fwknopd read its files again."), Phase::rest,
     switch_on<&CommandLine::restart>},
    {flag("status", 'S', "Tell whether fwknopd is running."), Phase::rest, switch_on<&CommandLine::status>},
    path_of("SUDO_EXE", with("sudo-exe", 0, "The sudo program."), PathKind::executable,
            "[*] sudo path '{}' could not stat()/not executable?"),
    {flag("test", 't', "Process packets, but change no firewall and run no\ncommand cycles."), Phase::rest,
     switch_on<&CommandLine::test_mode>},
    {flag("udp-server", 'U', "Receive packets by a UDP socket instead of capture."), Phase::rest,
     switch_on<&CommandLine::udp_server>},
    {flag("verbose", 'v', "Say more; may be repeated."), Phase::rest, say_more},
    {flag("version", 'V', "Print the version and exit."), Phase::first, print_version},
    {{.name = "suite-conf",
      .argument = Argument::required,
      .help = "Latchkey's own settings (/etc/latchkey.conf).",
      .is_extension = true},
     Phase::files,
     take_text<&CommandLine::suite_conf>},
    {{.name = "test-config",
      .help = "Read the configuration, tell every problem, exit\nwith 1 if there is an error.",
      .is_extension = true},
     Phase::rest,
     switch_on<&CommandLine::test_config, &CommandLine::foreground>},
});

Verdict apply(const Row& row, Target target, string_view argument) {
  if (row.set != nullptr) return row.set(target, argument);
  std::string value(argument);
  if (row.path) {
    if (row.path->kind == PathKind::folder) value = drop_last_slash(std::move(value));
    if (const auto problem = check_path(value, row.path->kind)) {
      // NOLINTBEGIN(clang-analyzer-core.CallAndMessage): rows with a path act in the last reading, which has a log.
      if (!problem->text.empty()) target.log->error("{}", problem->text);
      target.log->error("{}", fmt::vformat(row.path->complaint, fmt::make_format_args(value)));
      // NOLINTEND(clang-analyzer-core.CallAndMessage)
      return 1;
    }
  }
  target.line.values.emplace_back(conf_row(row.keyword), std::move(value));
  return {};
}

// The order of the usage text is the peer's; what the peer leaves out comes last.
constexpr auto usage_order = std::to_array<string_view>({
    "access-file",
    "access-folder",
    "config-file",
    "foreground",
    "interface",
    "packet-limit",
    "digest-file",
    "dump-config",
    "kill",
    "locale",
    "override-config",
    "pid-file",
    "pcap-filter",
    "restart",
    "rotate-digest-cache",
    "run-dir",
    "status",
    "test",
    "udp-server",
    "verbose",
    "syslog-enable",
    "version",
    "afl-fuzzing",
    "help",
    "dump-serv-err-codes",
    "exit-parse-config",
    "exit-parse-digest-cache",
    "fault-injection-tag",
    "pcap-file",
    "pcap-any-direction",
    "fw-list",
    "fw-list-all",
    "fw-flush",
    "gpg-home-dir",
    "gpg-exe",
    "sudo-exe",
    "no-firewd-check-support",
    "no-ipt-check-support",
    "key-gen",
    "key-gen-file",
    "key-len",
    "hmac-key-len",
    "hmac-digest-type",
    "suite-conf",
    "test-config",
    "nfq-capture",
});
static_assert(usage_order.size() + 1 == rows.size(), "all but --afl-pkt-file are in the usage text");

}  // namespace

std::vector<cli::OptionText> option_texts() {
  std::vector<cli::OptionText> texts;
  for (const Row& row : rows) {
    texts.push_back(row.text);
    if (row.text.presence == cli::Presence::optional && !net::has_packet_queue()) {
      texts.back().presence = cli::Presence::left_out;
    }
  }
  return texts;
}

std::string version_text() {
  return fmt::format("fwknopd server 2.6.11-latchkey-{}, compiled for firewall bin: {}\n", PACKAGE_VERSION,
                     FIREWALL_EXE);
}

std::string usage_text() {
  const cli::UsageStyle style{.names_column = 1, .long_only_column = 5, .help_column = 25, .help_mark = "- "};
  return fmt::format(
      "\nfwknopd server version 2.6.11-latchkey-{}\nSingle Packet Authorization server - part of Latchkey\n\nUsage: "
      "fwknopd "
      "[options]\n\n{}\n",
      PACKAGE_VERSION, cli::format_usage(option_texts(), style, usage_order));
}

std::optional<int> CommandLineReader::read_first(CommandLine& line) {
  line.config_file = conf_rows()[conf_row("CONFIG_FILE")].text.fallback;
  cli::Scanner scanner(argv_, option_texts());
  matches_.reserve(argv_.size());
  for (cli::Match match = scanner.next(); match.kind != cli::Match::Kind::end; match = scanner.next()) {
    matches_.push_back(match);
    if (match.kind == cli::Match::Kind::error) continue;
    const Phase phase = rows[match.row].phase;
    if (phase != Phase::first && phase != Phase::keys) continue;
    if (const Verdict status = apply(rows[match.row], {line, nullptr}, match.argument)) return status;
  }
  return {};
}

std::optional<int> CommandLineReader::read_files(CommandLine& line) {
  for (const cli::Match& match : matches_) {
    if (match.kind == cli::Match::Kind::error || rows[match.row].phase != Phase::files) continue;
    if (const Verdict status = apply(rows[match.row], {line, nullptr}, match.argument)) return status;
  }
  return {};
}

bool CommandLineReader::asks_for_check() const {
  const auto count = [this](string_view name) {
    return std::ranges::count_if(matches_, [name](const cli::Match& match) {
      return match.kind == cli::Match::Kind::option && rows[match.row].text.name == name;
    });
  };
  if (count("test-config") > 0) return true;
  return count("exit-parse-config") > 0 && count("verbose") >= (::isatty(STDERR_FILENO) == 1 ? 1 : 2);
}

std::optional<int> CommandLineReader::read_rest(CommandLine& line, log::Logger& log) {
  for (const cli::Match& match : matches_) {
    if (match.kind == cli::Match::Kind::error || rows[match.row].phase == Phase::keys) return print(usage_text(), 1);
    if (rows[match.row].phase != Phase::rest) continue;
    if (const Verdict status = apply(rows[match.row], {line, &log}, match.argument)) return status;
  }
  return {};
}

}  // namespace latchkey::fwknopd
