// SPDX-License-Identifier: GPL-2.0-or-later
// Log records on the message channel.
#include "common/privsep/log_channel.h"

#include <algorithm>

namespace latchkey::privsep {
namespace {

bool is_fit_for_log(char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t' || c == '\n'; }

}  // namespace

Bytes encode_log_record(log::Level level, std::string_view text) {
  Writer writer;
  writer.put_u8(static_cast<std::uint8_t>(level));
  writer.put(as_bytes(log::cut_utf8(text, max_log_text_bytes)));
  return writer.release();
}

std::optional<LogRecord> decode_log_record(ByteView payload) {
  Cursor cursor(payload);
  const auto level = cursor.take_u8();
  if (!level || *level < static_cast<int>(log::Level::error) || *level > static_cast<int>(log::Level::debug)) {
    return std::nullopt;
  }
  const std::string_view text = as_text(cursor.rest());
  if (text.size() > max_log_text_bytes || !std::ranges::all_of(text, is_fit_for_log)) return std::nullopt;
  return LogRecord{static_cast<log::Level>(*level), std::string(text)};
}

void ChannelSink::write(log::Level level, std::string_view text) { send_(encode_log_record(level, text)); }

}  // namespace latchkey::privsep
