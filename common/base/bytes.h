// SPDX-License-Identifier: GPL-2.0-or-later
// Byte buffers: views, hexadecimal, a reading cursor, a writer, wiping.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);

/// Lower-case hexadecimal, two digits a byte.
std::string format_hex(ByteView bytes);
/// Either case, even length; anything else is nullopt.
std::optional<Bytes> parse_hex(std::string_view text);

/// Overwrites memory in a way that no optimiser removes.
void wipe(void* memory, std::size_t size_bytes);
void wipe(std::string& text);

/// Reads a buffer front to back. Every take_* returns nullopt, and takes nothing, when fewer bytes remain.
/// Integers are big-endian (network order).
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : rest_(bytes) {}
  ByteView rest() const { return rest_; }
  bool is_empty() const { return rest_.empty(); }
  std::optional<ByteView> take(std::size_t count);
  bool skip(std::size_t count) { return take(count).has_value(); }
  std::optional<std::uint8_t> take_u8();
  std::optional<std::uint16_t> take_u16();
  std::optional<std::uint32_t> take_u32();
  std::optional<std::uint64_t> take_u64();

 private:
  ByteView rest_;
};

/// Appends to a buffer; integers big-endian.
class Writer {
 public:
  void put(ByteView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  void put_u8(std::uint8_t value) { buffer_.push_back(std::byte{value}); }
  void put_u16(std::uint16_t value);
  void put_u32(std::uint32_t value);
  void put_u64(std::uint64_t value);
  ByteView view() const { return buffer_; }
  Bytes release() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

}  // namespace latchkey
