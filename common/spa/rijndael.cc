// SPDX-License-Identifier: GPL-2.0-or-later
// Framing and padding around AES.
#include "common/spa/rijndael.h"

#include <algorithm>

namespace latchkey::spa {
namespace {

crypto::CipherKey make_key(EncryptionMode mode, ByteView passphrase, const crypto::Salt& salt) {
  if (mode != EncryptionMode::legacy) return crypto::derive_cipher_key(passphrase, salt);
  return crypto::derive_cipher_key(crypto::pad_legacy_passphrase(passphrase).view(), salt);
}

// PKCS#7, as lenient as the peers: what is no padding is left alone, the internal digest finds damage (6.3).
ByteView without_padding(ByteView plaintext) {
  const auto count = std::to_integer<std::size_t>(plaintext.back());
  if (count > crypto::aes_block_bytes) return plaintext;
  const bool is_padding =
      std::ranges::all_of(plaintext.last(count), [&](std::byte b) { return b == plaintext.back(); });
  return is_padding ? plaintext.first(plaintext.size() - count) : plaintext;
}

}  // namespace

std::optional<crypto::CipherMode> cipher_mode(EncryptionMode mode) {
  switch (mode) {
    case EncryptionMode::ecb:
      return crypto::CipherMode::ecb;
    case EncryptionMode::legacy:
    case EncryptionMode::cbc:
      return crypto::CipherMode::cbc;
    case EncryptionMode::cfb:
      return crypto::CipherMode::cfb;
    case EncryptionMode::ofb:
      return crypto::CipherMode::ofb;
    case EncryptionMode::ctr:
      return crypto::CipherMode::ctr;
    case EncryptionMode::unknown:
    case EncryptionMode::pcbc:
    case EncryptionMode::asymmetric:
      break;
  }
  return std::nullopt;
}

crypto::SecretBytes encrypt_framed(EncryptionMode mode, crypto::CipherMode cipher, ByteView passphrase,
                                   const crypto::Salt& salt, ByteView plaintext) {
  const std::size_t padding = crypto::aes_block_bytes - plaintext.size() % crypto::aes_block_bytes;
  crypto::SecretBytes raw{framing_bytes + plaintext.size() + padding};
  std::ranges::copy(as_bytes(salted_magic), raw.span().begin());
  std::ranges::copy(salt, raw.span().begin() + salted_magic.size());
  const auto body = raw.span().subspan(framing_bytes);
  std::ranges::copy(plaintext, body.begin());
  std::ranges::fill(body.last(padding), static_cast<std::byte>(padding));
  crypto::encrypt(cipher, make_key(mode, passphrase, salt), body);
  return raw;
}

ByteView decrypt_framed(EncryptionMode mode, crypto::CipherMode cipher, ByteView passphrase, std::span<std::byte> raw) {
  crypto::Salt salt;
  std::ranges::copy(raw.subspan(salted_magic.size(), salt.size()), salt.begin());
  const auto body = raw.subspan(framing_bytes);
  crypto::decrypt(cipher, make_key(mode, passphrase, salt), body);
  return without_padding(body);
}

}  // namespace latchkey::spa
