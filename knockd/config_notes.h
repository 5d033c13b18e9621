// SPDX-License-Identifier: GPL-2.0-or-later
// What reading knockd.conf has to say, written where it belongs.
#pragma once
#include <string>
#include <vector>

#include "knockd/configuration.h"
#include "knockd/output.h"

namespace latchkey::knockd {

/// At the start no log is open: only syslog can be reached, once UseSyslog has been read.
void write_notes_at_start(const std::vector<Note>& notes, Output& output);
/// Once the log is open: who looks there for why a door stays shut has to find it.
void log_disabled_doors(const std::vector<Note>& notes, Output& output);
/// On a reload the log in force takes warnings and errors.
void write_notes_on_reload(const std::vector<Note>& notes, Output& output);
/// `file:line:column: error|warning: text` of each, for --test-config. True when there is no error.
bool print_notes(const std::vector<Note>& notes);

}  // namespace latchkey::knockd
