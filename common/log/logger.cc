// SPDX-License-Identifier: GPL-2.0-or-later
// Handing finished lines to the sinks.
#include "common/log/logger.h"

namespace latchkey::log {

void Logger::hold(bool is_held) {
  for (const auto& sink : sinks_) sink->hold(is_held);
}

void Logger::write(Level level, std::string_view text) {
  if (!shows(level)) return;
  if (max_bytes_ > 0) text = cut_utf8(text, max_bytes_);
  for (const auto& sink : sinks_) sink->write(level, text);
}

}  // namespace latchkey::log
