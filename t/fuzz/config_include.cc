// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes the include resolver that knockd.conf, fwknopd.conf and .fwknoprc share. Files: a, b, c, d/x.conf.
#include "common/config/source.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"a", "b", "c", "d/x.conf"});
  files.run(data, size, [] {
    const config::IncludeOptions options{
        .lines = {.limit_bytes = 100, .nul_ends_line = true}, .most_levels = 4, .most_files = 50};
    std::size_t count = 0;
    const auto result = config::read_lines("a", options, [&](const config::SourceLine& line) {
      if (line.line.text.find('\n') != std::string_view::npos || line.place.line == 0 || !line.place.file) std::abort();
      if (!line.line.is_too_long && line.line.text.size() > 100) std::abort();
      if (!line.line.is_too_long && config::parse_include(line.line.text)) std::abort();
      unsigned levels = 1;
      for (const config::Place* from = &line.place.file->included_from; from->file; from = &from->file->included_from)
        ++levels;
      if (levels > 4) std::abort();
      return ++count < 10000;
    });
    if (!result && result.error().text().empty()) std::abort();
  });
  return 0;
}
