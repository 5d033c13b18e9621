// SPDX-License-Identifier: GPL-2.0-or-later
// Any payload of fwknopd's sensor: each request has one encoding, and decoding accepts nothing else.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "fwknopd/requests.h"

using namespace latchkey;

namespace {

template <class Decode>
void check(ByteView bytes, Decode decode) {
  const auto request = decode(bytes);
  if (request && !std::ranges::equal(fwknopd::encode(*request), bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes = std::as_bytes(std::span{data + 1, size - 1});
  switch (data[0] % 5) {
    case 0:
      check(bytes, fwknopd::decode_access_request);
      break;
    case 1:
      check(bytes, fwknopd::decode_command_request);
      break;
    case 2:
      check(bytes, fwknopd::decode_cycle_request);
      break;
    case 3:
      check(bytes, fwknopd::decode_replay_entry);
      break;
    case 4:
      check(bytes, fwknopd::decode_queue_verdict);
      break;
  }
  return 0;
}
