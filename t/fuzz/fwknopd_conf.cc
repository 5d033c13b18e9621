// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes fwknopd.conf: lines, variables, overrides, ranges, chain strings. Files: c, and o for OVERRIDE_CONFIG and
// %include.
#include "fwknopd/config/build_settings.h"
#include "fwknopd/config/conf_file.h"
#include "fwknopd/config/dump.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

bool is_good(Report::Mode mode) {
  log::Logger log(log::Level::debug);
  std::vector<std::string> lines;
  log.add(std::make_unique<log::MemorySink>(lines));
  Report report(log, mode);
  auto texts = read_conf("c", std::nullopt, report);
  if (!texts) return false;
  const auto verbosity = read_verbosity(*texts, report);
  if (!verbosity) return false;
  auto settings = build_settings(std::move(*texts), *verbosity, CommandLine{}, report);
  if (!settings || !parse_chains(*settings, report)) return false;
  static_cast<void>(dump_settings(*settings));
  for (const auto& diagnostic : report.diagnostics()) static_cast<void>(config::format_diagnostic(diagnostic, true));
  return !report.has_errors();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"c", "o"});
  // What the check calls good starts, and the other way round.
  files.run(data, size, [] {
    if (is_good(Report::Mode::running) != is_good(Report::Mode::checking)) std::abort();
  });
  return 0;
}
