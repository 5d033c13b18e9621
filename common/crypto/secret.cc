// SPDX-License-Identifier: GPL-2.0-or-later
// libgcrypt's start and its secure memory.
#include "common/crypto/secret.h"

#include <fmt/format.h>
#include <gcrypt.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace latchkey::crypto {
namespace {

constexpr const char* least_version = "1.10.0";

Result<void> start(std::size_t secure_memory_bytes) {
  if (gcry_check_version(least_version) == nullptr)
    return fail(Error{fmt::format("libgcrypt {} is older than {}", gcry_check_version(nullptr), least_version)});
  // Without the right to lock memory the pool still is wiped and kept apart; the peers' users see no warning either.
  gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
  gcry_control(GCRYCTL_INIT_SECMEM, static_cast<int>(secure_memory_bytes), 0);
  gcry_control(GCRYCTL_AUTO_EXPAND_SECMEM, static_cast<unsigned>(secure_memory_bytes));
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  return {};
}

void* take_secure(std::size_t size) {
  void* memory = gcry_malloc_secure(size);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

// Small secrets share chunks. libgcrypt searches its pool from the front for every piece, so thousands of keys with a
// piece each would make every later piece, some of them per packet, cost as many steps.
class SmallPieces {
 public:
  static constexpr std::size_t piece_bytes = 64;

  void* take() {
    if (free_.empty()) add_chunk();
    void* piece = free_.back();
    free_.pop_back();
    return piece;
  }
  // There is room: the list has held every piece before.
  void give_back(void* piece) noexcept { free_.push_back(piece); }

 private:
  static constexpr std::size_t pieces_a_chunk = 63;

  void add_chunk() {
    auto* chunk = static_cast<std::byte*>(take_secure(piece_bytes * pieces_a_chunk));
    // Beyond its first pool libgcrypt's memory is not locked. Where there is no right to lock, it stays so.
    static_cast<void>(::mlock(chunk, piece_bytes * pieces_a_chunk));
    free_.reserve(count_ += pieces_a_chunk);
    for (std::size_t i = pieces_a_chunk; i-- > 0;) free_.push_back(chunk + i * piece_bytes);
  }

  std::vector<void*> free_;
  std::size_t count_ = 0;
};

// An allocator, so one for the process; never destroyed, because secrets may outlive it.
SmallPieces& small_pieces() {
  static SmallPieces& pieces = *std::make_unique<SmallPieces>().release();
  return pieces;
}

}  // namespace

Result<void> init(std::size_t secure_memory_bytes) {
  static const Result<void> result = start(secure_memory_bytes);
  return result;
}

SecretBytes::SecretBytes(std::size_t size) : size_(size), capacity_(size) {
  if (size == 0) return;
  data_ = static_cast<std::byte*>(size <= SmallPieces::piece_bytes ? small_pieces().take() : take_secure(size));
  std::ranges::fill(span(), std::byte{});
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy{bytes.size()};
  std::ranges::copy(bytes, copy.span().begin());
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  wipe(data_ + size, size_ - size);
  size_ = size;
}

void SecretBytes::clear() {
  if (data_ == nullptr) return;
  wipe(data_, capacity_);
  if (capacity_ <= SmallPieces::piece_bytes)
    small_pieces().give_back(data_);
  else
    gcry_free(data_);
  data_ = nullptr;
  size_ = capacity_ = 0;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  std::size_t i = 0;
  for (; i + sizeof difference <= a.size(); i += sizeof difference) {
    std::uint64_t from_a = 0;
    std::uint64_t from_b = 0;
    std::memcpy(&from_a, a.data() + i, sizeof from_a);
    std::memcpy(&from_b, b.data() + i, sizeof from_b);
    difference |= from_a ^ from_b;
  }
  for (; i < a.size(); ++i) difference |= std::to_integer<std::uint64_t>(a[i] ^ b[i]);
  // The compiler may not conclude from a part of `difference` that the rest need not be read.
  asm volatile("" : "+r"(difference));
  return difference == 0;
}

}  // namespace latchkey::crypto
