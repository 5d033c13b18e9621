// SPDX-License-Identifier: GPL-2.0-or-later
// Reading fwknopd's files: stanzas, and lines of the replay cache.
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "bench/cases.h"
#include "bench/spa_inputs.h"
#include "common/base/fd.h"
#include "common/crypto/base64.h"
#include "common/log/logger.h"
#include "fwknopd/config/access_file.h"
#include "fwknopd/config/report.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::bench {
namespace {

using namespace fwknopd;

class Nowhere final : public log::Sink {
 public:
  void write(log::Level, std::string_view) override {}
};

/// A file in memory, by a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(::memfd_create("bench", MFD_CLOEXEC)) {
    if (!fd_ || ::fchmod(fd_.get(), 0600) != 0 || !write_all(fd_.get(), text)) std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  Fd fd_;
};

std::string stanza_text(unsigned number) {
  using crypto::Padding;
  return "SOURCE ANY\nKEY_BASE64 " + crypto::encode_base64(as_bytes(cipher_key(number)), Padding::equals_signs) +
         "\nHMAC_KEY_BASE64 " + crypto::encode_base64(as_bytes(hmac_key(number)), Padding::equals_signs) +
         "\nOPEN_PORTS tcp/22, udp/53\nREQUIRE_SOURCE_ADDRESS Y\nFW_ACCESS_TIMEOUT 30\n\n";
}

Work read_stanzas(unsigned count) {
  std::string text;
  for (unsigned number = 1; number <= count; ++number) text += stanza_text(number);
  struct Bed {
    explicit Bed(std::string_view text) : file(text) {
      log.add(std::make_unique<Nowhere>());
      settings.access_file = file.path();
    }
    MemoryFile file;
    log::Logger log;
    Settings settings;
  };
  return [bed = std::make_shared<Bed>(text)] {
    Report report(bed->log, Report::Mode::running);
    keep(read_access(bed->settings, report));
  };
}

Work read_digest_line() {
  return [line = std::string(
              "lZ3qkKzq5aBX1nV0dWbX8tYjO9r4m1cQe7uFh6sTg2v 17 10.77.0.2 59120 10.77.0.1 62201 1795217473")] {
    keep(parse_replay_line(line));
  };
}

constexpr auto cases = std::to_array<Case>({
    {"config/100_stanzas", [] { return read_stanzas(100); }},
    {"config/digest_line", read_digest_line},
});

}  // namespace

std::span<const Case> config_cases() { return cases; }

}  // namespace latchkey::bench
