// SPDX-License-Identifier: GPL-2.0-or-later
// The saved command line: written on every run, shown by --show-last, run again by -l (spec/fwknop-client.md 8).
#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fwknop/console.h"

namespace latchkey::fwknop {

/// argv[0] and the arguments. The file may hold keys: mode 0600 always, and never through a symbolic link (D19).
/// Error: the line for standard error.
Result<void> save_args(const std::string& path, const std::vector<std::string>& words, Console& console);

/// The first line, with its newline; empty for an empty file. Warns about unsafe permissions. Error: as above.
Result<std::string> read_args_line(const std::string& path, Console& console);

}  // namespace latchkey::fwknop
