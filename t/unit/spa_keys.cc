// SPDX-License-Identifier: GPL-2.0-or-later
// Key generation and base64 keys.
#include "common/spa/keys.h"

#include <gtest/gtest.h>

namespace latchkey::spa {
namespace {

struct Sizes {
  std::size_t key, hmac_key;
};

Sizes generate(const KeyGenSettings& settings) {
  SeededRng rng{7};
  const auto keys = generate_keys(settings, rng);
  if (!keys) return {0, static_cast<std::size_t>(keys.error())};
  return {parse_base64_key(keys->key_base64.text()).value().size(),
          parse_base64_key(keys->hmac_key_base64.text()).value().size()};
}

TEST(KeyGen, default_lengths_follow_the_hmac_type) {
  constexpr auto sizes = std::to_array<std::size_t>({16, 20, 64, 128, 128, 128, 72});
  for (std::size_t type = 1; type <= sizes.size(); ++type) {
    const Sizes made = generate({.hmac_type = static_cast<DigestType>(type)});
    EXPECT_EQ(made.key, 32u);
    EXPECT_EQ(made.hmac_key, sizes[type - 1]) << type;
  }
}

TEST(KeyGen, lengths_are_checked) {
  EXPECT_EQ(generate({.key_bytes = 1, .hmac_key_bytes = 1}).key, 1u);
  EXPECT_EQ(generate({.key_bytes = 33}).hmac_key, 68u);
  EXPECT_EQ(generate({.hmac_key_bytes = 136}).hmac_key, 136u);
  EXPECT_EQ(generate({.hmac_key_bytes = 137}).hmac_key, 69u);
}

TEST(KeyGen, prints_padded_base64) {
  SeededRng rng{7};
  const auto keys = generate_keys({.key_bytes = 5, .hmac_key_bytes = 7}, rng);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->key_base64.size(), 8u);
  EXPECT_EQ(keys->hmac_key_base64.size(), 12u);
  EXPECT_EQ(format_keys(*keys).text(), "KEY_BASE64: " + std::string(keys->key_base64.text()) +
                                           "\nHMAC_KEY_BASE64: " + std::string(keys->hmac_key_base64.text()) + "\n");
}

TEST(Base64Key, equals_signs_stand_at_the_end_only) {
  EXPECT_EQ(parse_base64_key("YWFhYQ").value().text(), "aaaa");
  EXPECT_EQ(parse_base64_key("YWFhYQ==").value().text(), "aaaa");
  EXPECT_EQ(parse_base64_key("====").value().size(), 0u);
  EXPECT_EQ(parse_base64_key("AGEA").value().size(), 3u);
  for (const char* text : {"YWFh=YWFh", "%%%%", "YWFh YWFh", "YWFh-"}) EXPECT_FALSE(parse_base64_key(text)) << text;
}

}  // namespace
}  // namespace latchkey::spa
