// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as a file of one-time sequences: the line that is taken is never taken twice, others keep their bytes.
// File: f.
#include "common/base/text.h"
#include "knockd/one_time.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::knockd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"f"});
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const OneTimeScan scan = scan_one_time_text(text);
  if (scan.first) check(text.substr(scan.first->offset, scan.first->text.size()) == scan.first->text);
  files.run(data, size, [] {
    auto file = OneTimeFile::open("f");
    check(file.ok());
    std::optional<std::uint64_t> before;
    for (int i = 0; i < 100; ++i) {
      const auto found = file->scan();
      check(found.ok());
      if (!found->first) return;
      check(!before || found->first->offset > *before);
      check(!found->first->sequence.empty());
      before = found->first->offset;
      check(file->mark_used(*found->first).ok());
      // The same line a second time: it is not there any more.
      check(!file->mark_used(*found->first).ok() || file->scan()->first != found->first);
    }
  });
  return 0;
}
