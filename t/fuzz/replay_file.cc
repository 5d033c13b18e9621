// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as the replay cache file: each line is understood or told of, and what was taken is still known after an
// entry was added to it. File: f.
#include "common/base/text.h"
#include "common/log/sink.h"
#include "fwknopd/digest_store.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

std::vector<ReplayEntry> check_lines(std::string_view text) {
  std::vector<ReplayEntry> entries;
  for (const std::string_view line : split(text, '\n')) {
    const ReplayLine parsed = parse_replay_line(line);
    if (parsed.kind != ReplayLine::Kind::entry) continue;
    check(parse_replay_line(format_replay_line(parsed.entry)).entry == parsed.entry);
    entries.push_back(parsed.entry);
  }
  return entries;
}

void check_known(const std::vector<ReplayEntry>& entries, const ReplayCache& cache) {
  for (const ReplayEntry& entry : entries) check(cache.find(entry.digest) != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"f"});
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const std::vector<ReplayEntry> entries = check_lines(text.substr(0, text.find('\x1e')));
  files.run(data, size, [&] {
    log::Logger log(log::Level::debug);
    std::vector<std::string> lines;
    log.add(std::make_unique<log::MemorySink>(lines));
    Settings settings;
    settings.digest_persistence = true;
    settings.digest_file = std::string("f");
    settings.verbosity = 4;
    DigestStore store(log);
    store.open(settings, false);
    check_known(entries, store.cache());
    ReplayEntry last;
    last.digest.fill(std::byte{0xa5});
    check(store.remember(last));
    DigestStore again(log);
    again.open(settings, false);
    check_known(entries, again.cache());
    check(again.cache().find(last.digest) != nullptr && again.cache().size() == store.cache().size());
  });
  return 0;
}
