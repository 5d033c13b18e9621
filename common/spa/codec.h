// SPDX-License-Identifier: GPL-2.0-or-later
// SPA message to text and back: the fields joined with ':' and the internal digest (spec/spa-wire.md 2, 5.2, 7.4).
#pragma once
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/spa/code.h"
#include "common/spa/message.h"

namespace latchkey::spa {

/// M, without digest. Errors: those of the validators, rand_len_validfail, data_too_large, encode_msglen_validfail.
Result<std::string, Code> encode(const Message& message);

/// D: base64 of the digest of `encoded`.
std::string internal_digest(DigestType type, std::string_view encoded);

struct Decoded {
  Message message;
  DigestType digest_type = DigestType::none;  ///< the one that matched
  std::string encoded;                        ///< M
  std::string digest;                         ///< D
};

/// A decrypted plaintext P, untrusted, any bytes. Checks and codes in the order of 7.4 with its DEVIATE orders.
Result<Decoded, Code> decode(ByteView plaintext);

}  // namespace latchkey::spa
