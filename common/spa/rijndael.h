// SPDX-License-Identifier: GPL-2.0-or-later
// The Rijndael layer of an SPA packet: padding, salt, cipher (spec/spa-wire.md 6).
#pragma once
#include <optional>

#include "common/base/bytes.h"
#include "common/crypto/aes256.h"
#include "common/spa/types.h"

namespace latchkey::spa {

inline constexpr std::string_view salted_magic = "Salted__";
/// `Salted__` and the salt.
inline constexpr std::size_t framing_bytes = 16;

/// nullopt: modes 0, 4 and 7, which the peers' library "encrypts" to zeros (6.1, DEVIATE).
std::optional<crypto::CipherMode> cipher_mode(EncryptionMode mode);

/// `Salted__`, salt, padded and encrypted `plaintext`.
crypto::SecretBytes encrypt_framed(EncryptionMode mode, crypto::CipherMode cipher, ByteView passphrase,
                                   const crypto::Salt& salt, ByteView plaintext);

/// Decrypts `raw` (framing and at least one block) in place and takes the padding off. The result is a part of `raw`.
ByteView decrypt_framed(EncryptionMode mode, crypto::CipherMode cipher, ByteView passphrase, std::span<std::byte> raw);

}  // namespace latchkey::spa
