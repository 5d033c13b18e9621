// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a run: its words, and the two passes over them (spec/fwknop-client.md 1.1).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// A copy of argv[0] and the arguments, wiped when it goes: there may be keys among them.
class CommandLine {
 public:
  explicit CommandLine(std::vector<std::string> words);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  const std::vector<std::string>& words() const { return words_; }
  /// For getopt; no null pointer at the end.
  std::span<char* const> argv() const { return argv_; }

 private:
  std::vector<std::string> words_;
  std::vector<char*> argv_;
};

/// First pass: options that act before the rc file is read; bad options are printed and forgiven. Ends at -h.
Settings scan_early_options(const CommandLine& line, Console& console);

/// Second pass: every option, over what the rc file said. An exit status when the run ends here; the text is printed.
std::optional<int> apply_options(const CommandLine& line, std::string_view version, Settings& settings,
                                 Console& console);

/// Overwrites the arguments of the --key-* options in the process list.
void blank_key_arguments(std::span<char* const> argv);

}  // namespace latchkey::fwknop
