// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes access.conf with what it includes. Files: a, b, k (keys) and d/x.conf.
#include "common/crypto/secret.h"
#include "fwknopd/config/access_file.h"
#include "fwknopd/config/dump.h"
#include "t/lib/scratch_files.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

Settings settings() {
  Settings settings;
  settings.access_file = "a";
  settings.gpg_home_dir = "/";
  settings.firewall.forwarding = true;
  settings.verbosity = 4;
  return settings;
}

bool is_good(Report::Mode mode) {
  static const Settings fixed = settings();
  log::Logger log(log::Level::debug);
  std::vector<std::string> lines;
  log.add(std::make_unique<log::MemorySink>(lines));
  Report report(log, mode);
  const auto stanzas = read_access(fixed, report);
  for (const auto& diagnostic : report.diagnostics()) static_cast<void>(config::format_diagnostic(diagnostic, true));
  if (!stanzas) return false;
  if (stanzas->empty()) std::abort();
  static_cast<void>(dump_stanzas(*stanzas));
  for (const Stanza& stanza : *stanzas) {
    const bool has_key = stanza.key && !stanza.key->is_empty();
    if (!has_key && !stanza.gpg.is_used) std::abort();
    if (stanza.hmac_key && stanza.hmac_type == spa::DigestType::none) std::abort();
    if (stanza.open_ports_text && !stanza.open_ports) std::abort();
    if (stanza.source.items().empty()) std::abort();
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = crypto::init().ok();
  static test::ScratchFiles files({"a", "b", "k", "d/x.conf"});
  if (!is_ready) std::abort();
  files.run(data, size, [] {
    if (is_good(Report::Mode::running) != is_good(Report::Mode::checking)) std::abort();
  });
  return 0;
}
