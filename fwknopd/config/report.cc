// SPDX-License-Identifier: GPL-2.0-or-later
// Report: collecting problems for the configuration check.
#include "fwknopd/config/report.h"

#include <unistd.h>

#include <cstring>

#include "common/base/fd.h"
#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

// The peer's marks say what the severity says.
std::string_view without_mark(std::string_view text) {
  for (const std::string_view mark : {"[*] ", "[-] ", "*", "Warning: "})
    if (text.starts_with(mark)) return text.substr(mark.size());
  return text;
}

}  // namespace

void Report::collect(config::Severity severity, const config::Place& place, const std::string& text) {
  config::Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.place = place;
  diagnostic.text = strip_right(without_mark(text.substr(0, text.find('\n'))));
  if (!detail_.empty()) diagnostic.text = fmt::format("{}: {}", without_mark(detail_), diagnostic.text);
  detail_.clear();
  const auto line = lines_.find({place.file.get(), place.line});
  if (line != lines_.end()) diagnostic.source_line = line->second;
  diagnostics_.push_back(std::move(diagnostic));
}

void Report::keep_line(const config::Place& place, std::string masked_line) {
  if (is_checking()) lines_.insert_or_assign({place.file.get(), place.line}, std::move(masked_line));
}

void Report::advise(const config::Place& place, std::string text) {
  if (is_checking()) collect(config::Severity::warning, place, std::move(text));
}

void Report::print_os_error(int os_code) {
  if (is_checking()) {
    if (!diagnostics_.empty()) diagnostics_.back().text += fmt::format(": {}", std::strerror(os_code));
    return;
  }
  // Standard error may be closed; then nobody reads it.
  (void)write_all(STDERR_FILENO, fmt::format("{}\n", std::strerror(os_code)));
}

}  // namespace latchkey::fwknopd
