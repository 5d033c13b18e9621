// SPDX-License-Identifier: GPL-2.0-or-later
// Hexadecimal, cursor, writer, wiping.
#include "common/base/bytes.h"

#include <string.h>

namespace latchkey {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class T>
std::optional<T> take_big_endian(Cursor& cursor) {
  const auto bytes = cursor.take(sizeof(T));
  if (!bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::byte b : *bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return static_cast<T>(value);
}

}  // namespace

ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string_view as_text(ByteView bytes) {
  // char may alias anything: the one cast from bytes to text stands here.
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

std::string format_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    text += digits[std::to_integer<std::size_t>(b >> 4)];
    text += digits[std::to_integer<std::size_t>(b & std::byte{15})];
  }
  return text;
}

std::optional<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return bytes;
}

void wipe(void* memory, std::size_t size_bytes) { explicit_bzero(memory, size_bytes); }

void wipe(std::string& text) {
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}

std::optional<ByteView> Cursor::take(std::size_t count) {
  if (count > rest_.size()) return std::nullopt;
  const ByteView taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

std::optional<std::uint8_t> Cursor::take_u8() { return take_big_endian<std::uint8_t>(*this); }
std::optional<std::uint16_t> Cursor::take_u16() { return take_big_endian<std::uint16_t>(*this); }
std::optional<std::uint32_t> Cursor::take_u32() { return take_big_endian<std::uint32_t>(*this); }
std::optional<std::uint64_t> Cursor::take_u64() { return take_big_endian<std::uint64_t>(*this); }

void Writer::put_u16(std::uint16_t value) {
  put_u8(static_cast<std::uint8_t>(value >> 8));
  put_u8(static_cast<std::uint8_t>(value & 0xff));
}

void Writer::put_u32(std::uint32_t value) {
  put_u16(static_cast<std::uint16_t>(value >> 16));
  put_u16(static_cast<std::uint16_t>(value & 0xffff));
}

void Writer::put_u64(std::uint64_t value) {
  put_u32(static_cast<std::uint32_t>(value >> 32));
  put_u32(static_cast<std::uint32_t>(value & 0xffffffff));
}

}  // namespace latchkey
