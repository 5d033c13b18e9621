// SPDX-License-Identifier: GPL-2.0-or-later
// AES-256 and OpenSSL's key derivation over libgcrypt.
#include "common/crypto/aes256.h"

#include <gcrypt.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "common/base/handle.h"
#include "common/crypto/digest.h"

namespace latchkey::crypto {
namespace {

constexpr std::size_t md5_bytes = 16;

int gcrypt_mode(CipherMode mode) {
  switch (mode) {
    case CipherMode::ecb:
      return GCRY_CIPHER_MODE_ECB;
    case CipherMode::cbc:
      return GCRY_CIPHER_MODE_CBC;
    case CipherMode::cfb:
      return GCRY_CIPHER_MODE_CFB;
    case CipherMode::ofb:
      return GCRY_CIPHER_MODE_OFB;
    case CipherMode::ctr:
      return GCRY_CIPHER_MODE_CTR;
  }
  throw std::logic_error("cipher mode");
}

// A refusal here is a bug of ours (sizes are fixed) or lack of memory, never bad input.
void require(gcry_error_t error) {
  if (gcry_err_code(error) == GPG_ERR_ENOMEM) throw std::bad_alloc{};
  if (error != 0) throw std::logic_error(gcry_strerror(error));
}

using Cipher = std::unique_ptr<gcry_cipher_handle, Deleter<gcry_cipher_close>>;

Cipher open_cipher(CipherMode mode, const CipherKey& key) {
  gcry_cipher_hd_t handle = nullptr;
  require(gcry_cipher_open(&handle, GCRY_CIPHER_AES256, gcrypt_mode(mode), GCRY_CIPHER_SECURE));
  Cipher cipher{handle};
  require(gcry_cipher_setkey(handle, key.key().data(), key.key().size()));
  if (mode == CipherMode::ctr)
    require(gcry_cipher_setctr(handle, key.iv().data(), key.iv().size()));
  else if (mode != CipherMode::ecb)
    require(gcry_cipher_setiv(handle, key.iv().data(), key.iv().size()));
  return cipher;
}

}  // namespace

CipherKey derive_cipher_key(ByteView passphrase, const Salt& salt) {
  CipherKey result;
  SecretBytes input{md5_bytes + passphrase.size() + salt.size()};
  std::ranges::copy(passphrase, input.span().begin() + md5_bytes);
  std::ranges::copy(salt, input.span().end() - salt_bytes);
  // The first round has no digest in front.
  ByteView round = input.view().subspan(md5_bytes);
  for (std::size_t at = 0; at < result.material_.size(); at += md5_bytes) {
    DigestValue value = digest(DigestType::md5, round);
    std::ranges::copy(value.view(), result.material_.span().begin() + static_cast<std::ptrdiff_t>(at));
    std::ranges::copy(value.view(), input.span().begin());
    wipe(value.span().data(), value.span().size());
    round = input.view();
  }
  return result;
}

SecretBytes pad_legacy_passphrase(ByteView passphrase) {
  constexpr std::size_t least_bytes = 16;
  SecretBytes padded{std::max(passphrase.size(), least_bytes)};
  std::ranges::fill(padded.span(), std::byte{'0'});
  std::ranges::copy(passphrase, padded.span().begin());
  return padded;
}

void encrypt(CipherMode mode, const CipherKey& key, std::span<std::byte> data) {
  const Cipher cipher = open_cipher(mode, key);
  require(gcry_cipher_encrypt(cipher.get(), data.data(), data.size(), nullptr, 0));
}

void decrypt(CipherMode mode, const CipherKey& key, std::span<std::byte> data) {
  const Cipher cipher = open_cipher(mode, key);
  require(gcry_cipher_decrypt(cipher.get(), data.data(), data.size(), nullptr, 0));
}

}  // namespace latchkey::crypto
