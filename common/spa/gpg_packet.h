// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets in asymmetric mode: their text and its prefix, and the rules for signatures (spec/spa-wire.md 9).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/gpg.h"
#include "common/spa/open.h"
#include "common/spa/seal.h"

namespace latchkey::spa {

/// What failed, and GPGME's text where it has one.
struct GpgFault {
  Code code;
  std::string text = {};
};

/// The library code of a GPGME failure; key look-ups have one a use.
GpgFault fault_of(const crypto::GpgError& error, crypto::GpgKeyUse use = crypto::GpgKeyUse::encrypt);

/// The two characters that the sender cut off: "hQ", or, where that cannot be right, the head of another OpenPGP
/// session-key packet (9.2, DEVIATE); empty when the packet brings its own. `keys` are of asymmetric mode; with an HMAC
/// the head is the one that it verifies. Errors, all before decryption: 67, 109, 110, 74, 47, 75.
Result<std::string, Code> find_gpg_head(const IncomingPacket& packet, const PacketKeys& keys);

/// The binary OpenPGP message. Errors: encode_notbase64 (`=`), encrypt_gpg_cipher_decodefail (not canonical, 7.5).
Result<Bytes, Code> decode_gpg_text(const IncomingPacket& packet, const PacketKeys& keys, std::string_view head);

/// A session-key packet of version 3 with another packet behind it. gpg decrypts nothing else, so it need not be
/// started for it.
bool looks_like_gpg(ByteView message);

struct SignatureRules {
  bool is_required = true;
  bool ignores_errors = false;  ///< GPG_IGNORE_SIG_VERIFY_ERROR: of trust and expiry, not of the signature itself
};

/// What follows decryption: signature rules (9.4), then length and fields of the plaintext.
Result<Decoded, GpgFault> accept_gpg_plaintext(const crypto::GpgDecrypted& decrypted, const SignatureRules& rules);

/// All of it with one GPGME context, for the client.
struct GpgOpened {
  Opened opened;
  std::vector<crypto::GpgSignature> signatures;
};
Result<GpgOpened, GpgFault> open_gpg(crypto::Gpg& gpg, const IncomingPacket& packet, const PacketKeys& keys,
                                     const SignatureRules& rules);

/// Encrypts to (and signs with) the keys that `gpg` uses. The mode of `settings` is not looked at.
Result<Sealed, GpgFault> seal_gpg(crypto::Gpg& gpg, const Message& message, ByteView hmac_key,
                                  const SealSettings& settings);

}  // namespace latchkey::spa
