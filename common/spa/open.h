// SPDX-License-Identifier: GPL-2.0-or-later
// Receiver: wire packet to SPA message, with the keys of one stanza (spec/spa-wire.md 5.3, 7.2, 7.3, 7.5).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "common/spa/codec.h"

namespace latchkey::spa {

/// The keys of one stanza (or of one client call), made ready once. Bad lengths and types are kept and reported for
/// each packet, in their place of the order of checks, as the peers do.
class PacketKeys {
 public:
  struct Settings {
    EncryptionMode mode = EncryptionMode::cbc;
    DigestType hmac_type = DigestType::none;
  };
  /// An empty `hmac_key` means no HMAC. A legacy-mode key is used as given: the programs cut it to 16 bytes before.
  PacketKeys(Settings settings, crypto::SecretBytes cipher_key, ByteView hmac_key);

  EncryptionMode mode() const { return settings_.mode; }
  DigestType hmac_type() const { return settings_.hmac_type; }
  bool has_hmac() const { return hmac_.has_value() || hmac_key_error_.has_value(); }
  const crypto::Hmac* hmac() const { return hmac_ ? &*hmac_ : nullptr; }
  std::optional<Code> hmac_key_error() const { return hmac_key_error_; }
  /// What an HMAC takes at the end of a packet; 0 without one.
  std::size_t hmac_characters() const { return has_hmac() ? crypto::digest_text_size(hmac_type()) : 0; }
  const crypto::SecretBytes& cipher_key() const { return cipher_key_; }

 private:
  Settings settings_;
  crypto::SecretBytes cipher_key_;
  std::optional<crypto::Hmac> hmac_;
  std::optional<Code> hmac_key_error_;
};

/// A wire packet with the prefixes put back, shared by all stanzas that look at it.
class IncomingPacket {
 public:
  explicit IncomingPacket(std::string_view wire);
  /// As received.
  std::string_view wire() const { return std::string_view{prefixed_}.substr(rijndael_prefix.size()); }
  /// The ciphertext C: without the last `hmac_characters`, with the Rijndael prefix unless it is there already.
  std::string_view rijndael_text(std::size_t hmac_characters) const;
  /// The same without any prefix put back.
  std::string_view bare_text(std::size_t hmac_characters) const;
  /// Whether that is base64; found out once for all stanzas.
  bool is_base64(std::size_t hmac_characters) const { return bare_text(hmac_characters).size() <= base64_characters_; }
  /// H as bytes; nullptr when it is not the one text of them (vector n017: unused bits of the last character count).
  /// Read once for all stanzas whose HMAC has this size.
  const crypto::DigestValue* hmac_value(std::size_t hmac_characters) const;

 private:
  std::string prefixed_;  // rijndael_prefix and the wire text, so that every view is a slice
  std::size_t base64_characters_;
  mutable std::size_t hmac_characters_ = 0;  // those that hmac_ was read from
  mutable std::optional<crypto::DigestValue> hmac_;
};

struct Opened {
  Decoded decoded;
  std::string hmac;  ///< H; empty without HMAC
};

/// Steps 1 to 4 of 7.3 (length, mode, type, HMAC): what a stanza costs for a packet that is not for it. In asymmetric
/// mode the HMAC covers the GPG prefix. Errors: 67, 109, 110, 74, 47, 75.
Result<void, Code> check_hmac(const IncomingPacket& packet, const PacketKeys& keys);

/// All of 7.3 and 7.4. A packet whose length is taken for GPG is tried all the same (DEVIATE of 3.1); when that fails,
/// the code is what the length guess gives, 65.
Result<Opened, Code> open_rijndael(const IncomingPacket& packet, const PacketKeys& keys);

/// What a stanza tries on a packet, in which order, and what counts when it fails: 7.1 d-g with the DEVIATE of 3.1.
struct AttemptPlan {
  struct Step {
    EncryptionType cipher;
    bool is_quiet;  ///< only success counts; a failure leaves the outcome as it was
  };
  std::optional<Step> first;
  std::optional<Step> second;
  EncryptionType guess;  ///< for the "No stanza encryption mode match" line, which is due when no loud step was taken
};
struct StanzaCiphers {
  bool has_rijndael_key;
  bool uses_gpg;
  bool allows_commands;  ///< ENABLE_CMD_EXEC
};
AttemptPlan plan_attempts(std::string_view wire, StanzaCiphers stanza);

}  // namespace latchkey::spa
