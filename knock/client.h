// SPDX-License-Identifier: GPL-2.0-or-later
// knock: from the command line to the packets.
#pragma once
#include <span>

namespace latchkey::knock {

/// Runs the program. Value: its exit status (0 sent, 1 usage, bad operand or nothing to send with; spec/knockd.md 8).
int run_knock(std::span<char* const> argv);

}  // namespace latchkey::knock
