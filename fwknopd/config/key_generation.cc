// SPDX-License-Identifier: GPL-2.0-or-later
// Key generation.
#include "fwknopd/config/key_generation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/base/fd.h"
#include "common/crypto/base64.h"
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

void replace_hmac_key(spa::GeneratedKeys& keys, Rng& rng) {
  crypto::SecretBytes key(spa::limit::hmac_key);
  if (!rng.fill(key.span())) return;
  std::string text = crypto::encode_base64(key.view(), crypto::Padding::equals_signs);
  keys.hmac_key_base64 = crypto::SecretBytes::copy_of(text);
  wipe(text);
}

}  // namespace

int generate_keys(const CommandLine& line, Rng& rng) {
  auto keys = spa::generate_keys(line.key_settings, rng);
  // One block of SHA3-256, which is more than the packet library generates.
  if (keys && line.key_settings.hmac_type == spa::DigestType::sha3_256 && !line.key_settings.hmac_key_bytes)
    replace_hmac_key(*keys, rng);
  if (!keys) {
    fmt::print(stderr, "fwknopd: fko_key_gen: Error {} - {}\n", static_cast<int>(keys.error()),
               spa::error_text(keys.error()));
    return 1;
  }
  const crypto::SecretBytes formatted = spa::format_keys(*keys);
  const std::string_view text = formatted.text();
  int status = 0;
  if (!line.key_gen_file) {
    fmt::print("{}", text);
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
