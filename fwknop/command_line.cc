// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a run: its words, and the two passes over them (spec/fwknop-client.md 1.1).
#include "fwknop/command_line.h"

#include <algorithm>
#include <array>

#include "common/base/bytes.h"
#include "common/cli/scan.h"
#include "fwknop/options.h"

namespace latchkey::fwknop {
namespace {

constexpr auto key_options =
    std::to_array<std::string_view>({"key-rijndael", "key-base64-rijndael", "key-base64-hmac", "key-hmac"});

}  // namespace

CommandLine::CommandLine(std::vector<std::string> words) : words_(std::move(words)) {
  for (std::string& word : words_) argv_.push_back(word.data());
}

CommandLine::~CommandLine() {
  for (std::string& word : words_) wipe(word);
}

Settings scan_early_options(const CommandLine& line, Console& console) {
  console.flush();
  const auto rows = option_rows();
  Settings settings;
  cli::Scanner scanner(line.argv(), option_texts());
  for (cli::Match match = scanner.next(); match.kind != cli::Match::Kind::end; match = scanner.next()) {
    if (match.kind == cli::Match::Kind::error || !rows[match.row].is_early) continue;
    // Early options take any argument.
    static_cast<void>(rows[match.row].set(settings, match.argument).ok());
    if (settings.help) break;
  }
  return settings;
}

std::optional<int> apply_options(const CommandLine& line, std::string_view version, Settings& settings,
                                 Console& console) {
  console.flush();
  const auto rows = option_rows();
  cli::Scanner scanner(line.argv(), option_texts());
  for (cli::Match match = scanner.next(); match.kind != cli::Match::Kind::end; match = scanner.next()) {
    if (match.kind == cli::Match::Kind::error) {
      console.output_text(usage_text(version));
      return 1;
    }
    const OptionRow& row = rows[match.row];
    if (const auto result = row.set(settings, match.argument); !result) {
      console.error("{}", result.error().text);
      return 1;
    }
    settings.to_save |= saved_directives(row);
  }
  return std::nullopt;
}

void blank_key_arguments(std::span<char* const> argv) {
  // Every abbreviation begins so. Most runs have none, and need not scan.
  const auto may_be_key = [](std::string_view word) { return word.starts_with("--k"); };
  if (std::ranges::none_of(argv, may_be_key)) return;
  cli::Scanner scanner(argv, option_texts(), false);
  for (cli::Match match = scanner.next(); match.kind != cli::Match::Kind::end; match = scanner.next()) {
    if (match.kind != cli::Match::Kind::option) continue;
    if (std::ranges::find(key_options, option_rows()[match.row].text.name) == key_options.end()) continue;
    for (char* word : argv) {
      const std::string_view text(word);
      const char* const begin = match.argument.data();
      if (begin >= text.data() && begin <= text.data() + text.size())
        wipe(word + (begin - text.data()), match.argument.size());
    }
  }
}

}  // namespace latchkey::fwknop
