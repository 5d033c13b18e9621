// SPDX-License-Identifier: GPL-2.0-or-later
// Coverage of processes that end without exit handlers, in builds that count it (configure --enable-coverage).
#pragma once

namespace latchkey::privsep {

/// Adds what this process has run so far to the counters on the disk. To be called before the file system is given up,
/// and at the end where it was not. In other builds: does nothing.
void write_coverage();

}  // namespace latchkey::privsep
