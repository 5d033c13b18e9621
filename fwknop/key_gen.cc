// SPDX-License-Identifier: GPL-2.0-or-later
// --key-gen and --key-gen-file (spec/fwknop-client.md 6).
#include "fwknop/key_gen.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "common/base/fd.h"
#include "fwknop/message.h"

namespace latchkey::fwknop {
namespace {

std::optional<std::size_t> to_size(const std::optional<int>& number) {
  if (!number) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

/// A new file, or an old one emptied; nobody else may read it (D13).
Result<void> write_private_file(const std::string& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return fail(os_error(""));
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return fail(os_error(""));
  if (S_ISREG(facts.st_mode) && ::fchmod(file.get(), 0600) != 0) return fail(os_error(""));
  return write_all(file.get(), text);
}

}  // namespace

Result<spa::GeneratedKeys> make_keys(const Settings& settings, Rng& rng) {
  auto keys = spa::generate_keys({.hmac_type = settings.hmac_digest_type.value_or(DigestType::sha256),
                                  .key_bytes = to_size(settings.key_len),
                                  .hmac_key_bytes = to_size(settings.hmac_key_len)},
                                 rng);
  if (!keys) return fail(Error{library_error("fko_key_gen", keys.error())});
  return std::move(*keys);
}

Result<void> hand_over_keys(const Settings& settings, const spa::GeneratedKeys& keys, const std::string& saved_in,
                            Console& console) {
  const crypto::SecretBytes text = spa::format_keys(keys);
  if (!settings.key_gen_file.empty()) {
    if (const auto result = write_private_file(settings.key_gen_file, text.text()); !result)
      return fail(Error{fmt::format("Unable to create key gen file: {}: {}", settings.key_gen_file,
                                    std::strerror(result.error().os_code))});
    console.print("[+] Wrote Rijndael and HMAC keys to: {}", settings.key_gen_file);
  } else if (!saved_in.empty()) {
    console.print("[+] Wrote Rijndael and HMAC keys to rc file: {}", saved_in);
  } else {
    console.output_text(text.text());
  }
  return {};
}

}  // namespace latchkey::fwknop
