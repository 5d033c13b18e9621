// SPDX-License-Identifier: GPL-2.0-or-later
// knock: sends a port-knock sequence.
#include <cstdio>
#include <exception>

#include "knock/client.h"

int main(int argc, char** argv) {
  try {
    return latchkey::knock::run_knock({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "knock: %s\n", problem.what());
    return 1;
  }
}
