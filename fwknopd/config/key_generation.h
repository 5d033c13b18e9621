// SPDX-License-Identifier: GPL-2.0-or-later
// --key-gen and --key-gen-file (spec/fwknopd-config.md 4.5).
#pragma once
#include "common/base/random.h"
#include "fwknopd/config/command_line.h"

namespace latchkey::fwknopd {

/// Prints the keys, or writes them into a file of mode 0600. The exit status.
int generate_keys(const CommandLine& line, Rng& rng);

}  // namespace latchkey::fwknopd
