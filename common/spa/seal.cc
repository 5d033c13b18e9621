// SPDX-License-Identifier: GPL-2.0-or-later
// Building wire packets.
#include "common/spa/seal.h"

#include "common/crypto/base64.h"
#include "common/spa/codec.h"
#include "common/spa/rijndael.h"

namespace latchkey::spa {
namespace {

Result<void, Code> check_settings(ByteView key, ByteView hmac_key, const SealSettings& settings) {
  if (settings.digest_type == DigestType::none) return fail(Code::encode_digest_validfail);
  if (!cipher_mode(settings.mode)) return fail(Code::invalid_encryption_type);
  if (key.size() > limit::cipher_key) return fail(Code::invalid_key_len);
  if (settings.hmac_type == DigestType::none) return {};
  if (hmac_key.empty()) return fail(Code::invalid_key_len);
  if (hmac_key.size() > limit::hmac_key) return fail(Code::invalid_hmac_key_len);
  return {};
}

}  // namespace

Result<std::string, Code> make_hmac(DigestType type, ByteView key, std::string_view ciphertext) {
  if (type == DigestType::none) return std::string{};
  if (key.empty()) return fail(Code::invalid_key_len);
  if (key.size() > limit::hmac_key) return fail(Code::invalid_hmac_key_len);
  return crypto::encode_base64(crypto::Hmac{type, key}.compute(as_bytes(ciphertext)).view());
}

Result<Sealed, Code> seal(const Message& message, ByteView key, ByteView hmac_key, const SealSettings& settings,
                          Rng& rng) {
  if (auto checked = check_settings(key, hmac_key, settings); !checked) return fail(checked.error());
  auto encoded = encode(message);
  if (!encoded) return fail(encoded.error());
  Sealed sealed{.encoded = std::move(*encoded)};
  sealed.digest = internal_digest(settings.digest_type, sealed.encoded);
  crypto::Salt salt;
  if (!rng.fill(salt)) return fail(Code::filesystem_operation);
  const auto plaintext = crypto::SecretBytes::copy_of(sealed.encoded + ':' + sealed.digest);
  const auto raw = encrypt_framed(settings.mode, *cipher_mode(settings.mode), key, salt, plaintext.view());
  const std::string ciphertext = crypto::encode_base64(raw.view());
  auto hmac = make_hmac(settings.hmac_type, hmac_key, ciphertext);
  if (!hmac) return fail(hmac.error());
  sealed.hmac = std::move(*hmac);
  if (ciphertext.size() + sealed.hmac.size() >= limit::text_below) return fail(Code::missing_encoded_data);
  sealed.wire = ciphertext.substr(rijndael_prefix.size()) + sealed.hmac;
  return sealed;
}

std::size_t longest_portable_plaintext(DigestType hmac_type) {
  // The whole wire packet must stay below the length that is taken for GPG; full blocks, of which padding needs a byte.
  const std::size_t ciphertext_characters =
      limit::gpg_text - 1 + rijndael_prefix.size() - crypto::digest_text_size(hmac_type);
  const std::size_t blocks =
      (crypto::decoded_base64_size(ciphertext_characters) - framing_bytes) / crypto::aes_block_bytes;
  return blocks * crypto::aes_block_bytes - 1;
}

}  // namespace latchkey::spa
