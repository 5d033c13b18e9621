// SPDX-License-Identifier: GPL-2.0-or-later
// The table of the client's command-line options (spec/fwknop-client.md 2).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/cli/option.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Headings of the usage text.
enum class OptionGroup { request, transport, address, keys, gnupg, nat, files, other, legacy };

struct OptionRow {
  cli::OptionText text;
  OptionGroup group;
  /// Acts in the first pass over the command line, before the rc file is read (spec 1.1, step 1).
  bool is_early;
  /// Names of the directives that --save-rc-stanza writes for it, separated by blanks (spec 5.1).
  std::string_view saves;
  /// Error: the line for standard error; the run ends with exit status 1.
  Result<void> (*set)(Settings&, std::string_view argument);
};

/// In the order of getopt's "possibilities"; the spellings of fwknop 1.9 follow behind.
std::span<const OptionRow> option_rows();
std::vector<cli::OptionText> option_texts();

/// The rc directives of a row's `saves`.
DirectiveSet saved_directives(const OptionRow& row);

/// What -h prints, and what follows a usage error.
std::string usage_text(std::string_view version);

}  // namespace latchkey::fwknop
