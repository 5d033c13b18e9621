// SPDX-License-Identifier: GPL-2.0-or-later
// run_daemon().
#include "fwknopd/daemon.h"

#include "fwknopd/monitor.h"

namespace latchkey::fwknopd {

int run_daemon(DaemonOptions options) {
  log::Logger& log = options.log;
  auto monitor = Monitor::create(std::move(options));
  if (!monitor) {
    log.error("{}", monitor.error().text);
    return 1;
  }
  return (*monitor)->run();
}

}  // namespace latchkey::fwknopd
