// SPDX-License-Identifier: GPL-2.0-or-later
// Key generation.
#include "fwknopd/config/key_generation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/base/fd.h"
#include "common/os/files.h"
#include "common/spa/keys.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t longest_path = 1023;

Result<void> write_keys(const std::string& path, std::string_view text) {
  if (path.size() > longest_path) return fail(os_error(path, ENAMETOOLONG));
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || S_ISREG(facts.st_mode)) return os::replace_file_atomically(path, text, 0600);
  // A device or a pipe is written to: /dev/stdout is one.
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  return fd ? write_all(fd.get(), text) : fail(os_error(path));
}

}  // namespace

int generate_keys(const CommandLine& line, Rng& rng) {
  spa::KeyGenSettings settings = line.key_settings;
  // One block of SHA3-256 (4.5), where the client makes 128 bytes (spec/spa-wire.md 12.2); both take either.
  if (settings.hmac_type == spa::DigestType::sha3_256 && !settings.hmac_key_bytes)
    settings.hmac_key_bytes = spa::limit::hmac_key;
  const auto keys = spa::generate_keys(settings, rng);
  if (!keys) {
    fmt::print(stderr, "fwknopd: fko_key_gen: Error {} - {}\n", static_cast<int>(keys.error()),
               spa::error_text(keys.error()));
    return 1;
  }
  const crypto::SecretBytes formatted = spa::format_keys(*keys);
  const std::string_view text = formatted.text();
  int status = 0;
  if (!line.key_gen_file) {
    // Not through stdio, whose buffer would keep the keys.
    if (!write_all(STDOUT_FILENO, text)) status = 1;
  } else if (const auto written = write_keys(*line.key_gen_file, text); written) {
    fmt::print("[+] Wrote Rijndael and HMAC keys to: {}\n", *line.key_gen_file);
  } else {
    fmt::print(stderr, "Unable to create key gen file: {}: {}\n", *line.key_gen_file,
               std::strerror(written.error().os_code));
    status = 1;
  }
  return status;
}

}  // namespace latchkey::fwknopd
