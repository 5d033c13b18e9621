// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as knockd's file of pending stop commands: what is read survives further daemons, crash by crash. File: f.
#include "common/base/text.h"
#include "knockd/journal.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::knockd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

void check_lines(std::string_view text) {
  for (const auto& [id, stop] : parse_journal(text)) {
    const auto again = parse_journal(format_added(id, stop));
    check(again.size() == 1 && again.begin()->first == id && again.begin()->second == stop);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"f"});
  check_lines(as_text(std::as_bytes(std::span(data, size))));
  files.run(data, size, [] {
    const PendingStop late{.due = MonotonicTime(std::chrono::seconds(9)),
                           .timeout_s = 1,
                           .door = "a door",
                           .source = *net::parse_ip_address("192.0.2.7"),
                           .command = "close"};
    PendingStops before;
    std::uint64_t id = 0;
    {
      auto journal = StopJournal::open(".", "f", "boot");
      check(journal.ok());
      before = journal->take_left_behind();
      id = journal->new_id();
      check(!before.contains(id) && journal->add(id, late).ok());
    }
    auto journal = StopJournal::open(".", "f", "boot");
    check(journal.ok());
    const PendingStops after = journal->take_left_behind();
    check(after.size() == before.size() + 1 && after.contains(id) && after.at(id) == late);
    for (const auto& [each, stop] : before) check(after.at(each) == stop);
    for (const auto& [each, stop] : after) check(journal->remove(each).ok());
    journal->delete_if_empty();
  });
  return 0;
}
