// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as fwknopd's state file: what is read is what a line of ours says, and a daemon that starts with it and
// dies leaves the same things open to its successor. File: f.
#include <algorithm>

#include "common/base/text.h"
#include "common/log/sink.h"
#include "fwknopd/grant_journal.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

void check_round_trip(std::string_view text, const JournalTime& now) {
  const JournalContents contents = parse_journal(text, now);
  for (const OpenRule& rule : contents.rules) {
    const JournalContents again = parse_journal(format_journal_line(rule, now) + "\n", now);
    check(again.rules.size() == 1 && again.rules[0].rule == rule.rule && again.rules[0].id == rule.id);
    check(again.rules[0].due == rule.due && again.rules[0].number == rule.number);
    static_cast<void>(name_of(rule.rule.kind));
  }
  for (const PendingClose& close : contents.closes) {
    const JournalContents again = parse_journal(format_journal_line(close, now) + "\n", now);
    check(again.closes.size() == 1 && again.closes[0].command == close.command && again.closes[0].due == close.due);
  }
  for (const EnteredPlace& entered : contents.places) {
    const JournalContents again = parse_journal(format_journal_line(entered, now) + "\n", now);
    check(again.places.size() == 1 && again.places[0].place == entered.place && again.places[0].id == entered.id);
  }
}

struct Counts {
  std::size_t rules;
  std::size_t closes;
  bool operator==(const Counts&) const = default;
};

Counts start_with_file(bool closes_first, std::size_t& lines) {
  ManualClock clock(from_epoch_seconds(1704164645));
  log::Logger log(log::Level::debug);
  std::vector<std::string> texts;
  log.add(std::make_unique<log::MemorySink>(texts));
  GrantJournal journal(log, clock);
  JournalContents contents = journal.open("f");
  lines = contents.bad_lines.size();
  if (closes_first && !contents.rules.empty()) journal.closed(contents.rules[0]);
  return {contents.rules.size(), contents.closes.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"f"});
  const JournalTime now{from_epoch_seconds(1704164645), MonotonicTime(std::chrono::seconds(77)), "a"};
  check_round_trip(as_text(std::as_bytes(std::span(data, size))), now);
  files.run(data, size, [] {
    std::size_t bad_lines = 0;
    const Counts first = start_with_file(false, bad_lines);
    const Counts second = start_with_file(true, bad_lines);
    check(second == first && bad_lines == 0);
    const Counts third = start_with_file(false, bad_lines);
    check(third.rules == first.rules - std::min<std::size_t>(first.rules, 1) && third.closes == first.closes);
  });
  return 0;
}
