// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a run: its words, and the two passes over them (spec/fwknop-client.md 1.1).
#include "fwknop/command_line.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/bytes.h"
#include "common/cli/scan.h"
#include "fwknop/options.h"

namespace latchkey::fwknop {
namespace {

constexpr auto key_options =
    std::to_array<std::string_view>({"--key-rijndael", "--key-base64-rijndael", "--key-base64-hmac", "--key-hmac"});

/// "--key-r", "--key-b" and all longer beginnings. Looser than getopt: blanking too much hurts nobody, and a scan over
/// the whole table would be the third in every run.
bool may_name_key_option(std::string_view word) {
  constexpr std::size_t shortest = 7;
  return word.size() >= shortest &&
         std::ranges::any_of(key_options, [&](std::string_view name) { return name.starts_with(word); });
}

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
  bool is_key = false;
  for (char* word : argv) {
    const std::string_view text(word);
    if (std::exchange(is_key, false)) {
      wipe(word, text.size());
      continue;
    }
    const std::size_t end = text.find('=');
    if (!may_name_key_option(text.substr(0, end))) continue;
    if (end == std::string_view::npos)
      is_key = true;
    else
      wipe(word + end + 1, text.size() - end - 1);
  }
}

}  // namespace latchkey::fwknop
