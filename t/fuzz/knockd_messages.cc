// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a message between knockd's monitor and sensor, and as a journal or a one-time file.
#include <algorithm>
#include <cstdlib>

#include "knockd/journal.h"
#include "knockd/messages.h"
#include "knockd/one_time.h"

namespace {

using namespace latchkey;

void check(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (const auto reports = knockd::decode_reports(bytes)) {
    Writer again;
    for (const knockd::SensorReport& report : *reports) knockd::encode_report(report, again);
    check(std::ranges::equal(again.view(), bytes));
  }
  if (const auto door = knockd::decode_door(bytes)) check(knockd::decode_door(knockd::encode_door(*door)).has_value());
  if (const auto sequence = knockd::decode_sequence(bytes))
    check(std::ranges::equal(knockd::encode_sequence(*sequence), bytes));
  static_cast<void>(knockd::decode_addresses(bytes));
  static_cast<void>(knockd::decode_ready(bytes));
  static_cast<void>(knockd::decode_capture_lost(bytes));

  const std::string_view text = as_text(bytes);
  for (const auto& [id, stop] : knockd::parse_journal(text)) {
    const auto again = knockd::parse_journal(knockd::format_added(id, stop));
    check(again.size() == 1 && again.begin()->second == stop);
  }
  const knockd::OneTimeScan scan = knockd::scan_one_time_text(text);
  if (scan.first) check(text.substr(scan.first->offset, scan.first->text.size()) == scan.first->text);
  return 0;
}
