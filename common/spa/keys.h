// SPDX-License-Identifier: GPL-2.0-or-later
// Key generation for --key-gen of both programs (spec/spa-wire.md 12.2).
#pragma once
#include <optional>
#include <string_view>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/spa/code.h"
#include "common/spa/types.h"

namespace latchkey::spa {

struct KeyGenSettings {
  DigestType hmac_type = DigestType::sha256;
  std::optional<std::size_t> key_bytes = {};       ///< --key-len
  std::optional<std::size_t> hmac_key_bytes = {};  ///< --hmac-key-len
};

struct GeneratedKeys {
  crypto::SecretBytes key_base64;  ///< with padding
  crypto::SecretBytes hmac_key_base64;
};

/// 16, 20, 64, 128, 128, 128, 72 by type.
std::size_t default_hmac_key_bytes(DigestType type);

/// Errors: funcs_gen_keylen_validfail (not 1..32), funcs_gen_hmaclen_validfail (not 1..136), filesystem_operation.
Result<GeneratedKeys, Code> generate_keys(const KeyGenSettings& settings, Rng& rng);

/// `KEY_BASE64: ...` and `HMAC_KEY_BASE64: ...`, each with its newline.
crypto::SecretBytes format_keys(const GeneratedKeys& keys);

/// Why a base64 key of a configuration is refused (12.1).
enum class KeyTextError { not_base64 };
/// Characters of the alphabet, `=` at the end only.
Result<crypto::SecretBytes, KeyTextError> parse_base64_key(std::string_view text);

}  // namespace latchkey::spa
