// SPDX-License-Identifier: GPL-2.0-or-later
// GrantJournal: what is open now, on the disk, so that a crash forgets nothing (DESIGN, rule 6).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/os/append_log.h"
#include "fwknopd/firewall/firewall.h"

namespace latchkey::fwknopd {

/// A close command that has to run.
struct PendingClose {
  std::uint64_t id = 0;  ///< in the journal
  net::IpAddress allowed;
  unsigned stanza_number = 0;
  std::int64_t due_s = 0;  ///< Unix time
  MonotonicTime due;
  std::string command;
};

/// A place that is in use.
struct EnteredPlace {
  std::uint64_t id = 0;  ///< in the journal
  RulePlace place;
};

/// The file holds one line an event: `rule ID ...`, `close ID ...` when something was opened, `place ID ...` before
/// rules stand there, `done ID` when it is closed, `end` when the daemon has left what is open on purpose. Times stand
/// in it twice: as Unix time, and since which boot of the machine, so that a clock that was stepped meanwhile changes
/// nothing.
struct JournalContents {
  std::vector<OpenRule> rules;
  std::vector<PendingClose> closes;
  std::vector<EnteredPlace> places;
  bool is_ended = false;
  std::vector<unsigned> bad_lines;  ///< numbers, from 1, of lines that make no sense
};

/// What `now` means on the machine.
struct JournalTime {
  WallTime wall;
  MonotonicTime monotonic;
  std::string boot_id;
};
JournalTime journal_time(const Clock& clock);

std::string format_journal_line(const OpenRule& rule, const JournalTime& now);
std::string format_journal_line(const PendingClose& close, const JournalTime& now);
std::string format_journal_line(const EnteredPlace& entered, const JournalTime& now);
/// What is still open after all lines. Lines that make no sense are skipped and counted, and so is a torn one, without
/// its line end: half a command is another command.
JournalContents parse_journal(std::string_view text, const JournalTime& now);

/// The state file of a daemon: another pid file is another daemon, also in one run directory.
std::string journal_path(const Settings& settings);

/// For a look from outside. Error: there is none (ENOENT), or others may have written it.
Result<JournalContents> read_journal(const std::string& path, const JournalTime& now);

class GrantJournal final : public RuleJournal {
 public:
  /// Everything given outlives the journal.
  GrantJournal(log::Logger& log, const Clock& clock) : log_(log), clock_(clock) {}

  /// Reads what an earlier process left and starts a new file that holds the same. Without a file nothing is
  /// remembered, and a warning says so.
  JournalContents open(const std::string& path);
  /// The same in another file, after a reload.
  void move_to(const std::string& path);

  bool opening(OpenRule& rule) override;
  void closed(const OpenRule& rule) override { finish(rule.id); }
  bool opening(PendingClose& close);
  void closed(const PendingClose& close) { finish(close.id); }
  void enter(const RulePlace& place) override;
  void leave(const RulePlace& place) override;
  /// At the end of the daemon.
  void end();

 private:
  void open_file();
  bool append(const std::string& line);
  void finish(std::uint64_t id);
  bool compact();
  template <class Opened>
  void take_over(Opened& opened, const JournalTime& now);
  void keep_aside(const Error& error);

  log::Logger& log_;
  const Clock& clock_;
  std::string path_;
  std::optional<os::AppendLog> file_;
  std::map<std::uint64_t, std::string> open_lines_;  // what compact() writes
  std::vector<EnteredPlace> places_;
  std::size_t dead_lines_ = 0;
  std::uint64_t next_id_ = 1;
  bool is_behind_ = false;  ///< on a full disk something was closed that the file calls open
};

}  // namespace latchkey::fwknopd
