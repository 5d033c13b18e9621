// SPDX-License-Identifier: GPL-2.0-or-later
// Diagnostics as text.
#include "common/config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/log/escape.h"

namespace latchkey::config {
namespace {

std::string format_place(const Place& place) {
  if (!place.file) return {};
  std::string text = place.file->path;
  if (place.line != 0) text += fmt::format(":{}", place.line);
  if (place.line != 0 && place.column != 0) text += fmt::format(":{}", place.column);
  return text;
}

std::string format_chain(const Place& place) {
  std::string chain;
  for (const Place* from = &place.file->included_from; from->file; from = &from->file->included_from)
    chain += fmt::format("{}{}:{}", chain.empty() ? "" : ", ", from->file->path, from->line);
  return chain.empty() ? chain : fmt::format(" (included from {})", chain);
}

// One column a character, so that the caret stands where the terminal shows the byte.
std::string format_caret(const std::string& line, unsigned column) {
  std::string shown;
  std::size_t pad = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const bool continues_character = (byte & 0xc0) == 0x80;
    if (i + 1 < column && !continues_character) ++pad;
    shown += byte < 0x20 || byte == 0x7f ? ' ' : line[i];
  }
  return fmt::format("\n  {}\n  {:{}}^", shown, "", pad);
}

}  // namespace

std::string format_diagnostic(const Diagnostic& diagnostic, bool with_caret) {
  const Place& place = diagnostic.place;
  const char* severity = diagnostic.severity == Severity::error ? "error" : "warning";
  std::string text =
      place.file ? fmt::format("{}: {}: {}{}", format_place(place), severity, diagnostic.text, format_chain(place))
                 : fmt::format("{}: {}", severity, diagnostic.text);
  text = log::escape_controls(text);
  if (with_caret && place.column != 0 && !diagnostic.source_line.empty())
    text += format_caret(diagnostic.source_line, place.column);
  return text;
}

}  // namespace latchkey::config
