// SPDX-License-Identifier: GPL-2.0-or-later
// AES-256 over whole blocks, in the chaining modes of SPA packets (spec/spa-wire.md 6.1), and their key derivation
// (6.2).
#pragma once
#include <array>
#include <span>

#include "common/base/bytes.h"
#include "common/crypto/secret.h"

namespace latchkey::crypto {

enum class CipherMode { ecb, cbc, cfb, ofb, ctr };

inline constexpr std::size_t aes_block_bytes = 16;
inline constexpr std::size_t salt_bytes = 8;
using Salt = std::array<std::byte, salt_bytes>;

/// The AES key and the initial vector that one passphrase and salt give.
class CipherKey {
 public:
  ByteView key() const { return material_.view().first(32); }
  ByteView iv() const { return material_.view().subspan(32, aes_block_bytes); }

 private:
  friend CipherKey derive_cipher_key(ByteView passphrase, const Salt& salt);
  SecretBytes material_{48};
};

/// Three chained MD5 rounds over passphrase and salt, as OpenSSL's salted `enc` does.
CipherKey derive_cipher_key(ByteView passphrase, const Salt& salt);
/// Legacy mode: a passphrase shorter than 16 bytes is filled up with '0' characters first.
SecretBytes pad_legacy_passphrase(ByteView passphrase);

/// In place; `data` is a whole number of blocks.
void encrypt(CipherMode mode, const CipherKey& key, std::span<std::byte> data);
void decrypt(CipherMode mode, const CipherKey& key, std::span<std::byte> data);

}  // namespace latchkey::crypto
