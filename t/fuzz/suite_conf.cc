// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as latchkey.conf: what is accepted holds values that the daemons can use. File: f.
#include "common/base/bytes.h"
#include "common/base/text.h"
#include "common/config/ini_file.h"
#include "common/config/suite.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;

namespace {

void check_sections(std::string_view text) {
  const auto file = config::IniFile::load(text, "f");
  if (!file) {
    if (file.error().text.empty()) std::abort();
    return;
  }
  for (const auto& entry : file->entries())
    if (!file->get(entry.section, entry.key)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::ScratchFiles files({"f"});
  check_sections(as_text(std::as_bytes(std::span(data, size))));
  files.run(data, size, [] {
    const auto settings = config::load_suite_settings("f", true);
    if (!settings) {
      if (settings.error().text.empty()) std::abort();
      return;
    }
    for (const std::string& name : settings->knockd_interfaces)
      if (name.empty() || name.size() > 31 || name != strip(name)) std::abort();
  });
  return 0;
}
