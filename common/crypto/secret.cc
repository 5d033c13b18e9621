// SPDX-License-Identifier: GPL-2.0-or-later
// libgcrypt's start and its secure memory.
#include "common/crypto/secret.h"

#include <fmt/format.h>
#include <gcrypt.h>

#include <algorithm>
#include <new>
#include <utility>

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

}  // namespace

Result<void> init(std::size_t secure_memory_bytes) {
  static const Result<void> result = start(secure_memory_bytes);
  return result;
}

void SecretBytes::Free::operator()(std::byte* memory) const noexcept { gcry_free(memory); }

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  void* memory = gcry_calloc_secure(1, size);
  if (memory == nullptr) throw std::bad_alloc{};
  data_.reset(static_cast<std::byte*>(memory));
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy{bytes.size()};
  std::ranges::copy(bytes, copy.span().begin());
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  wipe(data_.get() + size, size_ - size);
  size_ = size;
}

void SecretBytes::clear() {
  // libgcrypt wipes what it frees; wiped here as well because the pool may have been left for ordinary memory.
  if (data_) wipe(data_.get(), size_);
  data_.reset();
  size_ = 0;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference | std::to_integer<unsigned char>(a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace latchkey::crypto
