// SPDX-License-Identifier: GPL-2.0-or-later
// Secure memory and the constant-time comparison.
#include "common/crypto/secret.h"

#include <gtest/gtest.h>

namespace latchkey::crypto {
namespace {

TEST(Secret, init_may_be_called_again) {
  EXPECT_TRUE(init());
  EXPECT_TRUE(init(1));
}

TEST(Secret, moves_and_never_copies) {
  static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
  SecretBytes first = SecretBytes::copy_of("key");
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.is_empty());  // NOLINT: the state after a move is part of the contract
  EXPECT_EQ(second.text(), "key");
  SecretBytes third = second.clone();
  second.clear();
  EXPECT_TRUE(second.is_empty());
  third = SecretBytes::copy_of("other");
  EXPECT_EQ(third.text(), "other");
}

TEST(Secret, shrinks_and_starts_with_zeros) {
  SecretBytes bytes{4};
  EXPECT_EQ(format_hex(bytes.view()), "00000000");
  bytes.shrink(2);
  EXPECT_EQ(bytes.size(), 2u);
  bytes.shrink(7);
  EXPECT_EQ(bytes.size(), 2u);
}

TEST(Secret, pool_grows_beyond_its_first_size) {
  ASSERT_TRUE(init());
  std::vector<SecretBytes> many;
  for (int i = 0; i < 200; ++i) many.emplace_back(4096u);
  EXPECT_EQ(many.back().size(), 4096u);
}

TEST(ConstantTime, compares_size_and_every_byte) {
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abcd")));
  for (const char* text : {"Abc", "aBc", "abC"}) EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes(text)));
  // Every byte counts, in whole words and in the rest.
  const std::string text(19, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'y';
    EXPECT_FALSE(equal_in_constant_time(as_bytes(text), as_bytes(other))) << i;
  }
}

}  // namespace
}  // namespace latchkey::crypto
