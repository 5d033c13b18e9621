// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as knockd.conf: what iniparser gives back is what went in, and every door that comes out is usable.
#include <cstdlib>

#include "common/base/text.h"
#include "common/config/knockd_dialect.h"
#include "knockd/config_reader.h"

namespace {

using namespace latchkey;

void check(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const auto file = std::make_shared<const config::SourceFile>(config::SourceFile{"knockd.conf", {}});
  config::KnockdCanonicaliser canonicaliser;
  config::LineReader lines(text, {.limit_bytes = config::max_knockd_line_bytes});
  while (const auto line = lines.next())
    if (!canonicaliser.take({file, line->number, 1}, *line)) break;
  const auto entries = config::read_canonical_knockd_text(canonicaliser.release());
  check(entries.ok());
  for (const config::KnockdEntry& entry : *entries) {
    check(text.find(entry.text) != std::string_view::npos);
    check(entry.place.line > 0);
  }
  // One-time files are opened by their names, which a fuzzer must not choose.
  knockd::ConfigReader reader({.has_interface = false, .becomes_daemon = true, .opens_files = false});
  reader.read(*entries);
  const auto reading = reader.release();
  if (!reading.config) {
    check(!reading.notes.empty() && reading.notes.back().kind == knockd::Note::Kind::error);
    return 0;
  }
  for (const knockd::Door& door : reading.config->doors) {
    check(door.lock.sequence.size() <= knockd::max_sequence_hits);
    check(!door.lock.sequence.empty() || door.lock.is_one_time);
    check(door.name.size() <= knockd::max_door_name_bytes && door.lock.seq_timeout_s >= 0 && door.cmd_timeout_s >= 0);
  }
  return 0;
}
