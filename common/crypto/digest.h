// SPDX-License-Identifier: GPL-2.0-or-later
// Digests and HMACs over libgcrypt, and the names that the programs use for them (spec/spa-wire.md 5.1).
#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"

namespace latchkey::crypto {

/// The numbers are the peers', for digests and HMACs alike.
enum class DigestType { none = 0, md5 = 1, sha1, sha256, sha384, sha512, sha3_256, sha3_512 };

inline constexpr std::size_t max_digest_bytes = 64;

/// "sha256" in any case; nullopt for anything else, "none" included.
std::optional<DigestType> parse_digest_type(std::string_view name);
/// "SHA256"; `none` is "None".
std::string_view digest_name(DigestType type);
/// Raw size; 0 for none.
std::size_t digest_size(DigestType type);
/// Characters of the base64 text without `=`; 0 for none.
std::size_t digest_text_size(DigestType type);

/// A digest or an HMAC, without the heap.
class DigestValue {
 public:
  explicit DigestValue(std::size_t size) : size_(size) {}
  ByteView view() const { return ByteView{bytes_}.first(size_); }
  std::span<std::byte> span() { return std::span{bytes_}.first(size_); }

 private:
  std::array<std::byte, max_digest_bytes> bytes_{};
  std::size_t size_;
};

/// `type` is not none.
DigestValue digest(DigestType type, ByteView data);

/// A key made ready for one HMAC type: both key blocks are hashed once, here, and each message costs its own blocks
/// only. Not for two threads at a time.
class Hmac {
 public:
  /// `type` is not none. Any key length; longer than the block is hashed first (RFC 2104).
  Hmac(DigestType type, ByteView key);
  Hmac(Hmac&& other) noexcept;
  Hmac& operator=(Hmac&& other) noexcept;
  ~Hmac();

  DigestType type() const { return type_; }
  /// Of `first` and `second` joined.
  DigestValue compute(ByteView first, ByteView second = {}) const;

 private:
  struct State;
  DigestType type_;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::crypto
