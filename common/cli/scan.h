// SPDX-License-Identifier: GPL-2.0-or-later
// Scanner: getopt_long over an option table, one match at a time, so that options act in their order.
#pragma once
#include <getopt.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/cli/option.h"

namespace latchkey::cli {

struct Match {
  enum class Kind { option, error, end };
  Kind kind = Kind::end;
  std::size_t row = 0;        ///< of the table (of the original row for a synonym)
  std::string_view argument;  ///< points into argv
};

/// Abbreviations, permutation, clusters, `--` and POSIXLY_CORRECT as in GNU getopt_long, because it is getopt_long.
/// getopt has one state for the process: run one Scanner to its end (or drop it) before starting the next.
class Scanner {
 public:
  /// `argv` stays as it is (getopt permutes a copy) and must outlive the matches. With `prints_errors`, getopt writes
  /// its own texts to standard error, beginning with argv[0].
  Scanner(std::span<char* const> argv, std::vector<OptionText> table, bool prints_errors = true);
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  Match next();
  /// What is no option; complete once next() has returned `end`.
  std::vector<std::string_view> operands() const;

 private:
  bool names_an_extension() const;
  /// Made when first needed: few command lines name an extension.
  const ::option* long_options(bool with_extensions);

  std::vector<OptionText> table_;
  std::vector<char*> argv_;
  std::string letters_;
  std::vector<::option> peers_options_;  ///< without the extensions
  std::vector<::option> all_options_;
  bool prints_errors_;
};

/// How a run over the whole command line ended.
struct Outcome {
  enum class Kind { complete, stopped, bad_option };
  Kind kind = Kind::complete;
  int exit_status = 0;  ///< of `stopped`: what the setter returned
  std::vector<std::string_view> operands;
};

/// Calls the setters in the order of the command line; stops at the first that ends the program and at the first bad
/// option (getopt has printed its text).
template <class Target>
Outcome parse_options(std::span<char* const> argv, std::span<const Option<Target>> table, Target& target) {
  Scanner scanner(argv, texts_of(table));
  for (;;) {
    const Match match = scanner.next();
    if (match.kind == Match::Kind::error) return {.kind = Outcome::Kind::bad_option};
    if (match.kind == Match::Kind::end) return {.operands = scanner.operands()};
    if (const std::optional<int> status = table[match.row].set(target, match.argument))
      return {.kind = Outcome::Kind::stopped, .exit_status = *status};
  }
}

}  // namespace latchkey::cli
