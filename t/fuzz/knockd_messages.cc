// SPDX-License-Identifier: GPL-2.0-or-later
// Any payload between knockd's processes: one encoding a message, nothing else is accepted.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "knockd/messages.h"

using namespace latchkey;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes = std::as_bytes(std::span{data + 1, size - 1});
  using std::ranges::equal;
  switch (data[0] % 7) {
    case 0:
      if (const auto doors = knockd::decode_doors(bytes)) {
        Writer again;
        for (const knockd::DoorMessage& door : *doors) knockd::encode_door(door, again);
        check(again.view().size() == bytes.size());
      }
      break;
    case 1:
      if (const auto list = knockd::decode_addresses(bytes)) check(equal(knockd::encode_addresses(*list), bytes));
      break;
    case 2:
      if (const auto next = knockd::decode_sequence(bytes)) check(equal(knockd::encode_sequence(*next), bytes));
      break;
    case 3:
      if (const auto ready = knockd::decode_ready(bytes)) check(equal(knockd::encode_ready(*ready), bytes));
      break;
    case 4:
      if (const auto lost = knockd::decode_capture_lost(bytes)) check(equal(knockd::encode_capture_lost(*lost), bytes));
      break;
    case 5:
      if (const auto reports = knockd::decode_reports(bytes)) {
        Writer batch;
        for (const auto& report : *reports) knockd::encode_report(report, batch);
        check(equal(batch.view(), bytes));
      }
      break;
    case 6:
      if (const auto end = knockd::decode_doors_end(bytes)) check(equal(knockd::encode_doors_end(*end), bytes));
      break;
  }
  return 0;
}
