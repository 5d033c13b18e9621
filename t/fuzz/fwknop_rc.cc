// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes the client's own files: lines of .fwknoprc, saving a stanza into one, key files, the saved command line.
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/base/text.h"
#include "fwknop/argument_line.h"
#include "fwknop/key_file.h"
#include "fwknop/rc_save.h"
#include "fwknop/rc_text.h"

using namespace latchkey;
using namespace latchkey::fwknop;

namespace {

void require(bool is_true) {
  if (!is_true) std::abort();
}

/// Splitting loses no byte; the lines that saving must keep, in order.
std::vector<std::string_view> kept_lines(std::string_view text) {
  std::vector<std::string_view> kept;
  std::size_t size = 0;
  for (const std::string_view raw : split_rc_lines(text)) {
    size += raw.size();
    const RcLine line = parse_rc_line(raw);
    require(line.raw == raw);
    if (line.kind == RcLineKind::directive) require(!line.value.empty() && is_rc_value(line.value));
    const bool is_text = line.kind == RcLineKind::ignored && !strip(raw).empty();
    if (is_text || line.kind == RcLineKind::include || line.kind == RcLineKind::section)
      kept.push_back(strip_right(raw));
  }
  require(size == text.size());
  return kept;
}

bool is_subsequence(const std::vector<std::string_view>& part, const std::vector<std::string_view>& all) {
  auto next = part.begin();
  for (const std::string_view line : all)
    if (next != part.end() && line == *next) ++next;
  return next == part.end();
}

void try_saving(std::string_view text, bool is_forced, bool may_overwrite) {
  Console console(-1, -1);
  const StanzaUpdate update{.stanza = "x",
                            .assignments = {{"DIGEST_TYPE", 0, "SHA1"}, {"KEY", 20, "k1"}},
                            .is_forced = is_forced,
                            .may_overwrite = [=](std::string_view, std::string_view) { return may_overwrite; }};
  const auto once = update_rc_text(text, update, console);
  if (!once) return;
  require(is_subsequence(kept_lines(text), kept_lines(*once)));
  const auto twice = update_rc_text(*once, update, console);
  require(twice.ok() && (*twice == *once || !may_overwrite));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text(ByteView(std::as_bytes(std::span(data, size)))));
  kept_lines(text);
  try_saving(text, true, true);
  try_saving(text, false, true);
  try_saving(text, false, false);
  const auto words = parse_argument_line(text);
  require(parse_argument_line(format_argument_line(words)) == words);
  if (const auto key = find_key(text, "s")) require(!key->empty() && key->find('\n') == std::string_view::npos);
  return 0;
}
