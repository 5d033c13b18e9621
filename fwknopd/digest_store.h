// SPDX-License-Identifier: GPL-2.0-or-later
// DigestStore: the replay cache on the disk, kept by the monitor (spec/fwknopd-runtime.md 3.2).
#pragma once
#include <optional>
#include <string>

#include "common/log/logger.h"
#include "common/os/append_log.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::fwknopd {

class DigestStore {
 public:
  /// `log` outlives the store.
  explicit DigestStore(log::Logger& log) : log_(log) {}

  /// Reads (or makes) the file and adds its entries to the cache, with every line that the peer logs. `rotates`: the
  /// file is moved to FILE-old first; entries in memory stay. What cannot be used switches the file off, not the cache.
  void open(const Settings& settings, bool rotates);

  /// Writes and syncs, then adds to the cache. False: the file could not be written (a line says why).
  bool remember(const ReplayEntry& entry);

  /// A sensor that is forked gets a copy of it.
  ReplayCache& cache() { return cache_; }

 private:
  bool rotate(const std::string& path);
  bool check_file(const std::string& path);
  /// Number of valid entries; nullopt: the file cannot be used.
  std::optional<std::size_t> load(const std::string& path, int verbosity);
  std::size_t read_lines(const std::string& path, std::string_view text, int verbosity);

  log::Logger& log_;
  ReplayCache cache_;
  std::optional<os::AppendLog> file_;
};

}  // namespace latchkey::fwknopd
