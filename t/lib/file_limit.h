// SPDX-License-Identifier: GPL-2.0-or-later
// A full disk without one: files that may not grow.
#pragma once
#include <sys/resource.h>

#include <csignal>

namespace latchkey::test {

/// Runs `body` while no file of this process may grow beyond `bytes`; a write beyond it fails with EFBIG.
template <class Body>
void with_file_limit(rlim_t bytes, Body body) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{bytes, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limited);
  body();
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

}  // namespace latchkey::test
