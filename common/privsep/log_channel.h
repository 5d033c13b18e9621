// SPDX-License-Identifier: GPL-2.0-or-later
// Log lines of an unprivileged process, written by the monitor after a check of level and length.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/log/logger.h"
#include "common/log/sink.h"

namespace latchkey::privsep {

inline constexpr std::size_t max_log_text_bytes = 8192;

struct LogRecord {
  log::Level level = log::Level::info;
  std::string text;
};
Bytes encode_log_record(log::Level level, std::string_view text);
/// nullopt: unknown level, too long, or control bytes other than tab and newline.
std::optional<LogRecord> decode_log_record(ByteView payload);

/// In the sensor: every line becomes a message. `send` gets the payload of a log message.
class ChannelSink final : public log::Sink {
 public:
  using Send = std::function<void(ByteView payload)>;
  explicit ChannelSink(Send send) : send_(std::move(send)) {}
  void write(log::Level level, std::string_view text) override;

 private:
  Send send_;
};

}  // namespace latchkey::privsep
