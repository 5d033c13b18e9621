// SPDX-License-Identifier: GPL-2.0-or-later
// Limits, modes and type numbers of SPA packets, and the names that options and dumps use for them.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "common/crypto/digest.h"

namespace latchkey::spa {

/// Digests and HMACs have the same numbers and names.
using DigestType = crypto::DigestType;

/// Limits of spec/spa-wire.md 3. A size "below" is the first that is refused.
namespace limit {
inline constexpr std::size_t least_text = 36;      ///< M, P, and C with H
inline constexpr std::size_t text_below = 1500;    ///< the same
inline constexpr std::size_t least_payload = 140;  ///< wire packet at the server
inline constexpr std::size_t most_payload = 1500;
inline constexpr std::size_t gpg_text = 400;  ///< a text of this length or more is taken for GPG
inline constexpr std::size_t random_value = 16;
inline constexpr std::size_t username = 63;
inline constexpr std::size_t username_every_receiver_takes = 48;
inline constexpr std::size_t message = 255;
inline constexpr std::size_t message_text_every_receiver_takes = 256;  ///< base64 characters
inline constexpr std::size_t nat_access = 127;
inline constexpr std::size_t nat_host = 70;
inline constexpr std::size_t server_auth = 63;
inline constexpr std::size_t version = 8;
inline constexpr std::size_t timestamp_digits = 12;
inline constexpr unsigned client_timeout_s = 65536;
inline constexpr std::size_t cipher_key = 32;
inline constexpr std::size_t legacy_cipher_key = 16;
inline constexpr std::size_t hmac_key = 136;
inline constexpr std::size_t client_key = 128;
}  // namespace limit

inline constexpr std::string_view protocol_version = "3.0.0";
/// What every Rijndael ciphertext begins with, and what the sender cuts off.
inline constexpr std::string_view rijndael_prefix = "U2FsdGVkX1";
inline constexpr std::string_view gpg_prefix = "hQ";

enum class EncryptionType { unknown = 0, rijndael = 1, gpg = 2 };
std::string_view encryption_type_name(EncryptionType type);

enum class EncryptionMode { unknown = 0, ecb = 1, cbc, cfb, pcbc, ofb, ctr, asymmetric, legacy };
/// Any case; nullopt also for PCBC, which both peers refuse.
std::optional<EncryptionMode> parse_encryption_mode(std::string_view name);
std::string_view encryption_mode_name(EncryptionMode mode);

enum class MessageType {
  command = 0,
  access,
  nat_access,
  timeout_access,
  timeout_nat_access,
  local_nat_access,
  timeout_local_nat_access,
};
std::string_view message_type_name(MessageType type);

/// Section 7.2: by the length of the text alone. A whole wire packet for the server, or, inside the decoder, what is
/// left of it without the HMAC.
EncryptionType guess_encryption(std::size_t text_length);

}  // namespace latchkey::spa
