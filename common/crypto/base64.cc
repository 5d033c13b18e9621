// SPDX-License-Identifier: GPL-2.0-or-later
// Base64, both ways of reading.
#include "common/crypto/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace latchkey::crypto {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t largest_value = 63;
constexpr std::uint8_t no_value = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_value);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr auto values = make_values();

/// 1 for every character that base64 text cannot hold, '=' being allowed.
constexpr std::array<std::uint8_t, 256> make_outside_bits() {
  std::array<std::uint8_t, 256> bits{};
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = values[i] == no_value && i != '=' ? 1 : 0;
  return bits;
}
constexpr auto outside_bits = make_outside_bits();

std::uint8_t value_of(char c) { return values[static_cast<unsigned char>(c)]; }

char digit(std::uint32_t bits, unsigned shift) { return alphabet[bits >> shift & 63]; }

std::uint32_t octet(std::byte byte) { return std::to_integer<std::uint32_t>(byte); }

}  // namespace

void encode_base64_into(ByteView bytes, std::span<char> out) {
  char* to = out.first(encoded_base64_size(bytes.size())).data();
  const std::byte* from = bytes.data();
  std::size_t rest = bytes.size();
  for (; rest >= 3; rest -= 3, from += 3, to += 4) {
    const std::uint32_t bits = octet(from[0]) << 16 | octet(from[1]) << 8 | octet(from[2]);
    to[0] = digit(bits, 18);
    to[1] = digit(bits, 12);
    to[2] = digit(bits, 6);
    to[3] = digit(bits, 0);
  }
  if (rest == 0) return;
  const std::uint32_t bits = octet(from[0]) << 16 | (rest == 2 ? octet(from[1]) << 8 : 0);
  to[0] = digit(bits, 18);
  to[1] = digit(bits, 12);
  if (rest == 2) to[2] = digit(bits, 6);
}

std::string encode_base64(ByteView bytes, Padding padding) {
  std::string text(encoded_base64_size(bytes.size()), '\0');
  encode_base64_into(bytes, text);
  if (padding == Padding::equals_signs) text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::size_t> decode_base64_into(std::string_view text, std::span<std::byte> out) {
  text = text.substr(0, text.find('='));
  const std::size_t whole = text.size() / 4 * 4;
  std::byte* to = out.first(decoded_base64_size(text.size())).data();
  const char* from = text.data();
  for (const char* const end = from + whole; from != end; from += 4, to += 3) {
    const std::uint32_t a = value_of(from[0]), b = value_of(from[1]), c = value_of(from[2]), d = value_of(from[3]);
    if ((a | b | c | d) > largest_value) return std::nullopt;
    const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<std::byte>(group >> 16);
    to[1] = static_cast<std::byte>(group >> 8 & 0xff);
    to[2] = static_cast<std::byte>(group & 0xff);
  }
  std::size_t count = whole / 4 * 3;
  std::uint32_t bits = 0;
  for (std::size_t i = whole; i < text.size(); ++i) {
    const std::uint8_t value = value_of(text[i]);
    if (value == no_value) return std::nullopt;
    bits = bits << 6 | value;
    // The 2nd and 3rd character of a group complete a byte each: 4 and 2 bits stay over.
    if (i % 4 != 0) out[count++] = static_cast<std::byte>(bits >> (6 - 2 * (i % 4)) & 0xff);
  }
  return count;
}

std::optional<Bytes> decode_base64_lenient(std::string_view text) {
  Bytes bytes(decoded_base64_size(text.size()));
  const auto count = decode_base64_into(text, bytes);
  if (!count) return std::nullopt;
  bytes.resize(*count);
  return bytes;
}

std::optional<SecretBytes> decode_base64_secret(std::string_view text) {
  // Without the padding a key of 64 bytes is a small secret, and cheap.
  text = text.substr(0, text.find('='));
  SecretBytes bytes{decoded_base64_size(text.size())};
  const auto count = decode_base64_into(text, bytes.span());
  if (!count) return std::nullopt;
  bytes.shrink(*count);
  return bytes;
}

std::optional<Bytes> decode_base64_strict(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find('='));
  if (text.find_first_not_of('=', digits.size()) != std::string_view::npos) return std::nullopt;
  auto bytes = decode_base64_lenient(digits);
  if (bytes && !is_canonical_base64(digits)) return std::nullopt;
  return bytes;
}

bool is_base64_text(std::string_view text) { return count_base64_characters(text) == text.size(); }

std::size_t count_base64_characters(std::string_view text) {
  const auto is_outside = [](char c) { return c != '=' && value_of(c) == no_value; };
  // Sixteen at a time without a branch for each: every packet is read through twice.
  constexpr std::size_t block = 16;
  std::size_t at = 0;
  for (; at + block <= text.size(); at += block) {
    std::uint8_t outside = 0;
    for (const char c : text.substr(at, block)) outside |= outside_bits[static_cast<unsigned char>(c)];
    if (outside != 0) break;
  }
  const std::string_view rest = text.substr(at);
  return at + static_cast<std::size_t>(std::ranges::find_if(rest, is_outside) - rest.begin());
}

bool is_canonical_base64(std::string_view text) {
  constexpr std::array<std::uint8_t, 4> unused_bits{0, 0xff, 0x0f, 0x03};
  const std::size_t rest = text.size() % 4;
  if (rest == 0) return true;
  return rest != 1 && (value_of(text.back()) & unused_bits[rest]) == 0;
}

}  // namespace latchkey::crypto
