// SPDX-License-Identifier: GPL-2.0-or-later
// Sender: SPA message to wire packet (spec/spa-wire.md 1, 5, 6).
#pragma once
#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/digest.h"
#include "common/spa/code.h"
#include "common/spa/message.h"

namespace latchkey::spa {

struct SealSettings {
  EncryptionMode mode = EncryptionMode::cbc;
  DigestType digest_type = DigestType::sha256;
  DigestType hmac_type = DigestType::none;
};

struct Sealed {
  std::string encoded;  ///< M
  std::string digest;   ///< D
  std::string hmac;     ///< H; empty without HMAC
  std::string wire;     ///< the packet, with H
};

/// `hmac_key` counts only when an HMAC type is set. Errors: those of encode; encode_digest_validfail,
/// invalid_encryption_type (modes 0, 4, 7), invalid_key_len (cipher key
/// above 32 bytes, or HMAC type without key), invalid_hmac_key_len, filesystem_operation (no random numbers),
/// missing_encoded_data (result of 1500 characters or more).
Result<Sealed, Code> seal(const Message& message, ByteView key, ByteView hmac_key, const SealSettings& settings,
                          Rng& rng);

/// H over C, base64; empty for no HMAC. Errors: invalid_key_len (no key), invalid_hmac_key_len.
Result<std::string, Code> make_hmac(DigestType type, ByteView key, std::string_view ciphertext);

/// The longest plaintext that every receiver takes with this HMAC (3.1); the client warns above it.
std::size_t longest_portable_plaintext(DigestType hmac_type);

}  // namespace latchkey::spa
