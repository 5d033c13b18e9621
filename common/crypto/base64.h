// SPDX-License-Identifier: GPL-2.0-or-later
// Base64 as SPA packets use it (spec/spa-wire.md 4): without padding, and read as the peers read it or strictly.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/crypto/secret.h"

namespace latchkey::crypto {

enum class Padding { none, equals_signs };

std::string encode_base64(ByteView bytes, Padding padding = Padding::none);
/// Without padding, into `out`, which has room for encoded_base64_size(bytes.size()) characters.
void encode_base64_into(ByteView bytes, std::span<char> out);
constexpr std::size_t encoded_base64_size(std::size_t byte_count) {
  return byte_count / 3 * 4 + (byte_count % 3 * 4 + 2) / 3;
}

/// The peers' decoder: stops at the first `=`, ignores left-over bits and a lone last character.
/// nullopt: a character outside the alphabet before the first `=`.
std::optional<Bytes> decode_base64_lenient(std::string_view text);
/// One text a value: `=` only at the end, no lone last character, left-over bits zero. nullopt otherwise.
std::optional<Bytes> decode_base64_strict(std::string_view text);
/// Lenient, into `out`, which has room for decoded_base64_size(text.size()). Returns the count of bytes.
std::optional<std::size_t> decode_base64_into(std::string_view text, std::span<std::byte> out);
constexpr std::size_t decoded_base64_size(std::size_t character_count) { return character_count * 3 / 4; }
/// Lenient, into secure memory.
std::optional<SecretBytes> decode_base64_secret(std::string_view text);

/// Letters, digits, `+ / =` only, anywhere; empty text passes.
bool is_base64_text(std::string_view text);
/// How many characters at the front of `text` pass that test.
std::size_t count_base64_characters(std::string_view text);
/// No lone last character, and the bits that no byte uses are zero. `text`: alphabet characters only, no `=`.
bool is_canonical_base64(std::string_view text);

}  // namespace latchkey::crypto
