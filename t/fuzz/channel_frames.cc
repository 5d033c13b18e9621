// SPDX-License-Identifier: GPL-2.0-or-later
// Any datagram from a taken-over sensor: a frame that encodes to the same bytes, or an error; log records the same way.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "common/privsep/channel.h"
#include "common/privsep/log_channel.h"

using namespace latchkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span{data, size});
  if (const auto message = privsep::decode_frame(bytes)) {
    if (!std::ranges::equal(privsep::encode_frame(message->type, message->payload), bytes)) std::abort();
  }
  if (const auto record = privsep::decode_log_record(bytes)) {
    if (record->text != log::escape_controls(record->text) && record->text.find_first_of("\t\n") == std::string::npos) {
      std::abort();
    }
    if (!std::ranges::equal(privsep::encode_log_record(record->level, record->text), bytes)) {
      // Only a text that is cut inside a character differs.
      if (record->text.size() < privsep::max_log_text_bytes) std::abort();
    }
  }
  return 0;
}
