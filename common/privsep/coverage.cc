// SPDX-License-Identifier: GPL-2.0-or-later
// libgcov's own functions, in a coverage build alone.
#include "config.h"

#include "common/privsep/coverage.h"

#if LATCHKEY_COVERAGE
extern "C" {
#include <gcov.h>
}
#endif

namespace latchkey::privsep {

#if LATCHKEY_COVERAGE
void write_coverage() {
  __gcov_dump();
  // Else the counters would be frozen.
  __gcov_reset();
}
#else
void write_coverage() {}
#endif

}  // namespace latchkey::privsep
