// SPDX-License-Identifier: GPL-2.0-or-later
// AES-256 modes and the key derivation.
#include "common/crypto/aes256.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "t/lib/seed.h"

namespace latchkey::crypto {
namespace {

constexpr Salt salt{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                    std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};

TEST(CipherKey, is_that_of_openssl_enc) {
  const CipherKey key = derive_cipher_key(as_bytes("testtest"), salt);
  EXPECT_EQ(format_hex(key.key()), "487c2b2a129cd16dccfb2f25cac669454d5904dbe22d0157b15cdcc52667f2b9");
  EXPECT_EQ(format_hex(key.iv()), "97cf67cb87f7d8cb9d877ef05ccbad7a");
}

TEST(CipherKey, legacy_passphrases_are_filled_with_zeros_to_16) {
  EXPECT_EQ(pad_legacy_passphrase(as_bytes("a")).text(), "a000000000000000");
  EXPECT_EQ(pad_legacy_passphrase(as_bytes("0123456789abcdef")).text(), "0123456789abcdef");
  EXPECT_EQ(pad_legacy_passphrase(as_bytes("0123456789abcdefg")).text(), "0123456789abcdefg");
}

TEST(Cipher, every_mode_undoes_itself_and_differs_from_the_others) {
  SeededRng rng{test::seed()};
  const CipherKey key = derive_cipher_key(as_bytes("testtest"), salt);
  Bytes plain(96);
  ASSERT_TRUE(rng.fill(plain));
  std::vector<Bytes> seen;
  for (const CipherMode mode : {CipherMode::ecb, CipherMode::cbc, CipherMode::cfb, CipherMode::ofb, CipherMode::ctr}) {
    Bytes data = plain;
    encrypt(mode, key, data);
    for (const Bytes& other : seen) EXPECT_NE(data, other);
    seen.push_back(data);
    decrypt(mode, key, data);
    EXPECT_EQ(data, plain);
  }
}

TEST(Cipher, feedback_modes_share_their_first_block) {
  const CipherKey key = derive_cipher_key(as_bytes("k"), salt);
  const auto first_block = [&](CipherMode mode) {
    Bytes data(32);
    encrypt(mode, key, data);
    return format_hex(ByteView{data}.first(16));
  };
  EXPECT_EQ(first_block(CipherMode::cfb), first_block(CipherMode::ofb));
  EXPECT_EQ(first_block(CipherMode::cfb), first_block(CipherMode::ctr));
}

}  // namespace
}  // namespace latchkey::crypto
