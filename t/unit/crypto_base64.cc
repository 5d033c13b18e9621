// SPDX-License-Identifier: GPL-2.0-or-later
// Base64: encoder, lenient and strict decoder.
#include "common/crypto/base64.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "t/lib/seed.h"

namespace latchkey::crypto {
namespace {

std::string strict(std::string_view text) {
  const auto bytes = decode_base64_strict(text);
  return bytes ? std::string(as_text(*bytes)) : "refused";
}

TEST(Base64, encodes_rfc_4648_rows_with_and_without_padding) {
  struct Row {
    const char *plain, *padded, *bare;
  };
  for (const Row& row : {Row{"", "", ""},
                         {"f", "Zg==", "Zg"},
                         {"fo", "Zm8=", "Zm8"},
                         {"foo", "Zm9v", "Zm9v"},
                         {"foob", "Zm9vYg==", "Zm9vYg"},
                         {"foobar", "Zm9vYmFy", "Zm9vYmFy"}}) {
    EXPECT_EQ(encode_base64(as_bytes(row.plain), Padding::equals_signs), row.padded);
    EXPECT_EQ(encode_base64(as_bytes(row.plain)), row.bare);
    EXPECT_EQ(strict(row.padded), row.plain);
    EXPECT_EQ(strict(row.bare), row.plain);
  }
}

TEST(Base64, strict_decoder_knows_one_text_a_value) {
  for (const char* text : {"A", "Zh", "Zm9", "Zm9v=YmFy", "=Zg", "Zm 9v", "Zm9v\n", "Zm-v", "ZgA=A", "Zm9vA"})
    EXPECT_EQ(strict(text), "refused") << text;
}

TEST(Base64, round_trips_random_bytes_of_every_size) {
  SeededRng rng{test::seed()};
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes bytes(size);
    ASSERT_TRUE(rng.fill(bytes));
    const std::string text = encode_base64(bytes);
    EXPECT_EQ(text.size(), encoded_base64_size(size));
    EXPECT_EQ(decode_base64_strict(text), bytes);
    EXPECT_EQ(decode_base64_lenient(text), bytes);
    EXPECT_TRUE(is_canonical_base64(text));
    const auto secret = decode_base64_secret(text);
    ASSERT_TRUE(secret);
    EXPECT_TRUE(equal_in_constant_time(secret->view(), bytes));
  }
}

TEST(Base64, lenient_decoder_refuses_a_foreign_character_in_every_place) {
  for (std::size_t place = 0; place < 10; ++place) {
    for (int octet = 0; octet < 256; ++octet) {
      std::string text = "Zm9vYmFyYg";
      const char c = text[place] = static_cast<char>(octet);
      const bool is_digit = is_base64_text(text) && c != '=';
      EXPECT_EQ(decode_base64_lenient(text).has_value(), is_digit || c == '=') << place << " " << octet;
      EXPECT_EQ(decode_base64_secret(text).has_value(), is_digit || c == '=') << place << " " << octet;
    }
  }
}

TEST(Base64, every_changed_bit_of_the_last_character_changes_value_or_is_refused) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const std::string base : {"Zm9vYg", "Zm9vYmE", "Zm9v"}) {
    int canonical = 0;
    for (const char last : alphabet) {
      std::string text = base;
      text.back() = last;
      canonical += is_canonical_base64(text) ? 1 : 0;
    }
    EXPECT_EQ(canonical, base.size() % 4 == 2 ? 4 : base.size() % 4 == 3 ? 16 : 64);
  }
}

TEST(Base64, text_test_allows_padding_anywhere_and_nothing_else) {
  EXPECT_TRUE(is_base64_text(""));
  EXPECT_TRUE(is_base64_text("=a+/Z9="));
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const bool in_ascii = c < 128 && (std::isalnum(c) != 0 || c == '+' || c == '/' || c == '=');
    EXPECT_EQ(is_base64_text({&character, 1}), in_ascii) << c;
  }
}

}  // namespace
}  // namespace latchkey::crypto
