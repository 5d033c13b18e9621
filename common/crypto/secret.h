// SPDX-License-Identifier: GPL-2.0-or-later
// Starting libgcrypt, and SecretBytes: keys and plaintexts in its secure memory.
#pragma once
#include <cstddef>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace latchkey::crypto {

/// Checks libgcrypt's version and reserves locked, non-dumpable memory. Every program calls it first, before it reads a
/// key or drops privileges. `secure_memory_bytes` is locked at
/// once; beyond it keys (at most 64 bytes) are locked as they come where the process may, longer secrets come from
/// ordinary memory, wiped all the same, in pieces of at most that size. Later calls do nothing. Error: the library is
/// older than the headers that this was built with.
Result<void> init(std::size_t secure_memory_bytes = 64 * 1024);

/// Bytes that are wiped when they go. Move-only, never printed.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` zero bytes.
  explicit SecretBytes(std::size_t size);
  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { clear(); }

  SecretBytes clone() const { return copy_of(view()); }
  ByteView view() const { return {data_, size_}; }
  std::span<std::byte> span() { return {data_, size_}; }
  std::string_view text() const { return as_text(view()); }
  std::size_t size() const { return size_; }
  bool is_empty() const { return size_ == 0; }
  /// Forgets the bytes behind `size`, which is at most size().
  void shrink(std::size_t size);
  void clear();

 private:
  std::byte* data_ = nullptr;  // a piece of secure memory, freed by clear()
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// False when the sizes differ; else the time depends on the size alone.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace latchkey::crypto
