// SPDX-License-Identifier: GPL-2.0-or-later
// --fw-flush.
#include "fwknopd/flush.h"

#include <algorithm>
#include <cerrno>

#include "common/base/fd.h"
#include "fwknopd/firewall/firewall.h"
#include "fwknopd/grant_journal.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {

void flush_all_rules(const Settings& settings, log::Logger& log) {
  const FirewallSettings& firewall = settings.firewall;
  static_cast<void>(write_all(1, "Deleting any existing firewall rules...\n"));
  if (settings.test_mode) return;
  remove_rules(firewall, log, settings.verbosity);
  auto flushed = places_of(firewall, {});
  if (settings.capture.mode == CaptureMode::nfqueue) {
    flushed.push_back(place_of(firewall, settings.capture.queue));
    remove_place(flushed.back(), log, settings.verbosity);
  }
  const auto journal = read_journal(journal_path(settings), journal_time(SystemClock()));
  if (!journal) {
    if (journal.error().os_code != ENOENT) log.error("Could not read the state file: {}", journal.error().text);
    return;
  }
  for (const EnteredPlace& entered : journal->places) {
    if (std::ranges::find(flushed, entered.place) != flushed.end()) continue;
    if (remove_place(entered.place, log, settings.verbosity)) log.info(text::place_left, entered.place.name);
  }
}

}  // namespace latchkey::fwknopd
