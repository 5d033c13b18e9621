// SPDX-License-Identifier: GPL-2.0-or-later
// One run of the client, from the command line to the exit status (spec/fwknop-client.md 1.1).
#pragma once
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "fwknop/console.h"
#include "fwknop/rc_location.h"

namespace latchkey::fwknop {

/// What a run takes from the outside.
struct World {
  const Environment& environment;
  const Clock& clock;
  Rng& rng;
  Console& console;
  std::string version;       ///< of fwknop, that scripts and servers know
  std::string full_version;  ///< and of this program, for the usage text
};

/// `words`: argv[0] and the arguments. Value: the exit status, 0 or 1.
int run_client(std::vector<std::string> words, World& world);

}  // namespace latchkey::fwknop
