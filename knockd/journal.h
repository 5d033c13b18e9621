// SPDX-License-Identifier: GPL-2.0-or-later
// The journal of stop commands that are still to run, so that a crash leaves no door open (DESIGN.md, rule 6).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/net/address.h"
#include "common/os/append_log.h"

namespace latchkey::knockd {

struct PendingStop {
  MonotonicTime due{};
  std::int32_t timeout_s = 0;
  std::string door;
  net::IpAddress source;
  std::string command;  ///< ready to run
  friend bool operator==(const PendingStop&, const PendingStop&) = default;
};

using PendingStops = std::map<std::uint64_t, PendingStop>;

/// Lines of the journal: "+ ID DUE TIMEOUT DOOR SOURCE COMMAND", "= ID DUE", "- ID"; texts are escaped, times are
/// microseconds of CLOCK_BOOTTIME. Lines that make no sense (a torn one) are left out.
PendingStops parse_journal(std::string_view text);
std::string format_added(std::uint64_t id, const PendingStop& stop);

/// What happened to a pending stop is on the disk when a function returns. What could not be written is written with
/// the next change.
class StopJournal {
 public:
  /// Opens or makes the file, and its folder, for this process alone. Error: "PATH: REASON"; os_code EWOULDBLOCK when
  /// another process holds it.
  static Result<StopJournal> open(const std::string& folder, const std::string& name, std::string_view boot_id);

  /// Whether what was left behind could be written anew when the file was opened.
  const Result<void>& trouble() const { return trouble_; }

  /// What a former process left behind; empty after that. Of a former boot: all due at once.
  PendingStops take_left_behind() { return std::exchange(left_behind_, {}); }

  /// A number that no pending stop has.
  std::uint64_t new_id() { return next_id_++; }
  Result<void> add(std::uint64_t id, const PendingStop& stop);
  Result<void> set_due(std::uint64_t id, MonotonicTime due);
  Result<void> remove(std::uint64_t id);
  /// At the end of the daemon: nothing is pending, so no file is left behind.
  void delete_if_empty();

 private:
  StopJournal(os::AppendLog log, Fd lock) : log_(std::move(log)), lock_(std::move(lock)) {}
  Result<void> rewrite();
  Result<void> append(const std::string& line);

  os::AppendLog log_;
  Fd lock_;
  std::string header_;
  Result<void> trouble_;
  PendingStops live_;
  PendingStops left_behind_;
  std::uint64_t next_id_ = 1;
  std::size_t dead_lines_ = 0;
  bool is_behind_ = false;  ///< the file lacks something of what is pending
};

/// The kernel's name of this boot; empty when it tells none.
std::string read_boot_id();

/// A file name for the journal of a daemon with that configuration and those interfaces.
std::string journal_name(std::string_view config_path, std::string_view interfaces);

}  // namespace latchkey::knockd
