// SPDX-License-Identifier: GPL-2.0-or-later
// CommandLine: what fwknopd was asked to do, as it stays for the life of the program (spec/fwknopd-config.md 3).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/cli/option.h"
#include "common/cli/scan.h"
#include "common/log/logger.h"
#include "common/spa/keys.h"

namespace latchkey::fwknopd {

struct CommandLine {
  std::string config_file;               ///< -c
  std::optional<std::string> overrides;  ///< -O
  std::string suite_conf;                ///< --suite-conf; empty = the default, which may be absent

  // Key generation.
  bool key_gen = false;
  std::optional<std::string> key_gen_file;
  spa::KeyGenSettings key_settings;

  /// Values over those of the files: position in conf_rows() and text.
  std::vector<std::pair<std::size_t, std::string>> values;

  bool dump_config = false, kill = false, restart = false, status = false;
  bool fw_list = false, fw_list_all = false, fw_flush = false;
  bool exit_parse_config = false, exit_parse_digest_cache = false, test_config = false;
  bool foreground = false;
  bool test_mode = false;
  bool udp_server = false;
  bool nfq_capture = false;
  bool any_direction = false;
  bool rotate_digest_cache = false;
  bool syslog_enable = false;
  bool no_rule_check_support = false;
  unsigned verbosity = 0;  ///< number of -v
  unsigned packet_limit = 0;

  /// How many of -D, -K, -R, -S are given: one at most is allowed.
  int exclusive_actions() const { return int{dump_config} + int{kill} + int{restart} + int{status}; }
};

/// The peer reads its command line three times: first what acts before any file is opened (-V, the key generation),
/// then what decides on the files (-h, -c, -O), then, over the values of the files, all the rest. So does this, with
/// one run of getopt, whose error texts are printed once.
class CommandLineReader {
 public:
  explicit CommandLineReader(std::span<char* const> argv) : argv_(argv) {}

  /// A number: the program ends with that exit status; everything has been printed.
  std::optional<int> read_first(CommandLine& line);
  std::optional<int> read_files(CommandLine& line);
  /// Is every problem to be told, in place of a start? --test-config; or --exit-parse-config with -v -v, or with -v
  /// when standard error is a terminal (a script that has always used it with one -v gets the peer's lines, and behind
  /// them the list when the reading failed).
  bool asks_for_check() const;
  /// `log` gets the complaints about values.
  std::optional<int> read_rest(CommandLine& line, log::Logger& log);

 private:
  std::span<char* const> argv_;
  std::vector<cli::Match> matches_;
};

/// For the man-page check and completion.
std::vector<cli::OptionText> option_texts();
std::string usage_text();
std::string version_text();

}  // namespace latchkey::fwknopd
