// SPDX-License-Identifier: GPL-2.0-or-later
// The two keys of a run: where they come from, and what they must be (spec/fwknop-client.md 7).
#include "fwknop/keys.h"

#include <algorithm>

#include "common/base/handle.h"
#include "common/os/files.h"
#include "common/spa/keys.h"
#include "fwknop/key_file.h"
#include "fwknop/terminal.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t most_key_file_bytes = 1u << 20;
constexpr std::size_t most_key = spa::limit::client_key;
/// The peer's client stops at 128 and says so, but a server takes more, and `fwknopd --key-gen` makes more for
/// sha3_256.
constexpr std::size_t most_hmac_key = spa::limit::hmac_key;
/// The peer decodes the first 180 characters of a base64 key at most; the length it complains about is of those.
constexpr std::size_t most_reported = 135;

std::string cipher_length_error(std::size_t size) {
  return fmt::format("[*] Invalid key length: '{}', must be in [1,128]", size);
}
std::string hmac_length_error(std::size_t size) {
  return fmt::format("[*] Invalid decoded key length: '{}', must be in [0,128]", size);
}

Result<SecretBytes> key_from_file(const std::string& file, const std::string& server) {
  auto text = os::read_file(file, most_key_file_bytes);
  if (!text) return fail(Error{"Could not open config file: " + file});
  const Defer wipe_text([&] { wipe(*text); });
  const auto key = find_key(*text, server);
  if (!key) return fail(Error{fmt::format("Could not get key for IP: {} from: {}", server, file)});
  return SecretBytes::copy_of(*key);
}

/// One descriptor may give both keys, a line each (D17).
class TypedKeys {
 public:
  explicit TypedKeys(std::optional<int> fd) : fd_(fd) {}

  Result<SecretBytes> next(std::string_view prompt, Console& console) {
    console.flush();
    if (!fd_) return ask_for_key(prompt);
    auto key = read_key(*fd_);
    if (!key) return fail(key.error());
    // An empty standard input is an empty first key, which scripts use; there is no such habit for a second one.
    if (!key->has_value() && was_read_) return fail(Error{"[*] getpasswd() key error."});
    was_read_ = true;
    return key->has_value() ? std::move(**key) : SecretBytes();
  }

 private:
  std::optional<int> fd_;
  bool was_read_ = false;
};

Result<SecretBytes> gpg_passphrase(const Settings& settings, TypedKeys& typed, Console& console) {
  if (settings.use_gpg_agent) {
    console.print("[+] GPG mode set, signing passphrase acquired via gpg-agent");
  } else if (settings.gpg_no_signing_pw) {
    console.print("[+] GPG mode set, signing passphrase not required");
  } else if (!settings.gpg_signer.empty()) {
    return typed.next("Enter passphrase for signing: ", console);
  }
  return SecretBytes();
}

Result<SecretBytes> cipher_key(const Settings& settings, TypedKeys& typed, Console& console) {
  // The peer refuses 128 bytes as well: its buffer needs one more.
  auto given = inline_key(settings.key, cipher_length_error, 1, most_key - 1);
  if (!given) return fail(given.error());
  if (given->has_value()) return std::move(**given);
  if (!settings.key.file.empty()) {
    auto key = key_from_file(settings.key.file, settings.server);
    if (key && key->size() > most_key) return fail(Error{cipher_length_error(key->size())});
    return key;
  }
  if (settings.use_gpg) return gpg_passphrase(settings, typed, console);
  return typed.next("Enter encryption key: ", console);
}

Result<SecretBytes> hmac_key(const Settings& settings, TypedKeys& typed, Console& console) {
  auto given = inline_key(settings.hmac_key, hmac_length_error, 0, most_hmac_key);
  if (!given) return fail(given.error());
  SecretBytes key;
  if (given->has_value()) {
    key = std::move(**given);
  } else {
    auto other = settings.hmac_key.file.empty() ? typed.next("Enter HMAC key: ", console)
                                                : key_from_file(settings.hmac_key.file, settings.server);
    if (!other) return other;
    key = std::move(*other);
  }
  if (key.size() > most_hmac_key)
    return fail(Error{fmt::format("[*] Invalid HMAC key length: '{}', must be in [0,128]", key.size())});
  return key;
}

void warn_about_empty_keys(const Settings& settings, const Keys& keys, Console& console) {
  if (keys.cipher.is_empty() && !settings.use_gpg) console.error("Warning: the encryption key is empty.");
  if (keys.hmac.is_empty() && settings.use_hmac) console.error("Warning: the HMAC key is empty.");
}

void cut_legacy_key(SecretBytes& key, Console& console) {
  if (key.size() <= spa::limit::legacy_cipher_key) return;
  console.error(
      "WARNING: Encryption key in '-M legacy' mode must be <= 16 bytes\n"
      "long - truncating before sending SPA packet. Upgrading remote\n"
      "fwknopd is recommended.");
  key.shrink(spa::limit::legacy_cipher_key);
}

}  // namespace

Result<std::optional<SecretBytes>> inline_key(const KeySlot& slot, std::string (*length_error)(std::size_t),
                                              std::size_t least, std::size_t most) {
  const bool has_text = slot.text && (!slot.base64 || slot.text_source >= slot.base64_source);
  if (has_text) return std::optional<SecretBytes>(slot.text->clone());
  if (!slot.base64) return std::optional<SecretBytes>();
  auto key = spa::parse_base64_key(slot.base64->text());
  const std::size_t size = key ? key->size() : 0;
  if (!key || size < least || size > most) return fail(Error{length_error(std::min(size, most_reported))});
  return std::optional<SecretBytes>(std::move(*key));
}

Result<Keys> acquire_keys(const Settings& settings, Console& console) {
  TypedKeys typed(settings.key_fd);
  Keys keys;
  auto cipher = cipher_key(settings, typed, console);
  if (!cipher) return fail(cipher.error());
  keys.cipher = std::move(*cipher);
  if (settings.use_hmac) {
    auto hmac = hmac_key(settings, typed, console);
    if (!hmac) return fail(hmac.error());
    keys.hmac = std::move(*hmac);
    if (crypto::equal_in_constant_time(keys.cipher.view(), keys.hmac.view()))
      return fail(
          Error{"[*] The encryption passphrase and HMAC key should not be identical, no SPA packet sent. Exiting."});
  }
  if (settings.encryption_mode == EncryptionMode::legacy && !settings.use_gpg) cut_legacy_key(keys.cipher, console);
  warn_about_empty_keys(settings, keys, console);
  return keys;
}

}  // namespace latchkey::fwknop
