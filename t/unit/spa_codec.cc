// SPDX-License-Identifier: GPL-2.0-or-later
// Encoding and decoding of SPA plaintexts: golden rows, round trips, limits, mutations.
#include "common/spa/codec.h"

#include <gtest/gtest.h>

#include "common/crypto/base64.h"
#include "t/lib/seed.h"
#include "t/lib/spa_samples.h"

namespace latchkey::spa {
namespace {

std::string plaintext_of(const std::string& encoded, DigestType type = DigestType::sha256) {
  return encoded + ':' + internal_digest(type, encoded);
}

int code_of(const std::string& plaintext) {
  const auto decoded = decode(as_bytes(plaintext));
  return decoded ? 0 : static_cast<int>(decoded.error());
}

std::string base64(std::string_view text) { return crypto::encode_base64(as_bytes(text)); }

// M with the username, timestamp, and all that follows given.
std::string fields(const std::string& user, const std::string& time, const std::string& rest) {
  return "1234567890123456:" + user + ':' + time + ':' + rest;
}

TEST(Encode, writes_the_fields_in_order) {
  EXPECT_EQ(encode(test::sample_message()).value(), "1234567890123456:YWxpY2U:1704164645:3.0.0:1:MS4yLjMuNCx0Y3AvMjI");
  Message message = test::sample_message();
  message.server_auth = "x";
  message.body = NatAccess{parse_access("1.2.3.4,tcp/22", Side::sender).value(),
                           parse_nat("10.0.0.1,80", Side::sender).value(), 30};
  EXPECT_EQ(encode(message).value(),
            "1234567890123456:YWxpY2U:1704164645:3.0.0:4:MS4yLjMuNCx0Y3AvMjI:MTAuMC4wLjEsODA:eA:30");
}

TEST(Encode, refuses_what_the_setters_refuse) {
  Message message = test::sample_message();
  message.username = "a/b";
  EXPECT_EQ(encode(message).error(), Code::user_remchar_validfail);
  message = test::sample_message();
  message.random_value = "1";
  EXPECT_EQ(encode(message).error(), Code::rand_len_validfail);
  message = test::sample_message();
  message.server_auth = std::string(64, 'x');
  EXPECT_EQ(encode(message).error(), Code::data_too_large);
}

TEST(Codec, round_trips_random_messages_with_every_digest) {
  test::MessageMaker maker{test::seed()};
  for (int i = 0; i < 2000; ++i) {
    const Message message = maker.make();
    const auto type = static_cast<DigestType>(1 + maker.below(7));
    const auto encoded = encode(message);
    ASSERT_TRUE(encoded);
    const auto decoded = decode(as_bytes(plaintext_of(*encoded, type)));
    ASSERT_TRUE(decoded) << static_cast<int>(decoded.error()) << ' ' << *encoded;
    EXPECT_EQ(decoded->message, message);
    EXPECT_EQ(decoded->digest_type, type);
    EXPECT_EQ(decoded->encoded, *encoded);
  }
}

TEST(Decode, no_flipped_bit_and_no_prefix_passes) {
  const std::string good = plaintext_of(encode(test::sample_message()).value());
  ASSERT_EQ(code_of(good), 0);
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(code_of(good.substr(0, i)), 0) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_NE(code_of(bad), 0) << i << ' ' << bit;
    }
  }
}

TEST(Decode, limits_hold_at_the_limit_and_one_above) {
  const std::string rest = "3.0.0:1:" + base64("1.2.3.4,tcp/22");
  struct Row {
    std::string encoded;
    int code;
  };
  std::string ports = "1.2.3.4";
  while (ports.size() + 8 <= 255) ports += ",tcp/443";
  ports += ",udp/1";  // 255 or a little less
  const Row rows[] = {
      {fields(base64(std::string(63, 'u')), "1", rest), 0},
      {fields(std::string(85, 'A'), "1", rest), 14},
      {fields("YQ", "000000000001", rest), 0},
      {fields("YQ", "0000000000001", rest), 18},
      {fields("YQ", "4294967295", rest), 0},
      {fields("YQ", "4294967296", rest), 19},
      {fields("YQ", "1", "12345678:1:" + base64("1.2.3.4,tcp/22")), 0},
      {fields("YQ", "1", "123456789:1:" + base64("1.2.3.4,tcp/22")), 21},
      {fields("YQ", "1", "3.0.0:01:" + base64("1.2.3.4,tcp/22")), 0},
      {fields("YQ", "1", "3.0.0:0:" + base64("1.2.3.4," + std::string(247, 'c'))), 0},
      {fields("YQ", "1", "3.0.0:0:" + base64("1.2.3.4," + std::string(248, 'c'))), 26},
      {fields("YQ", "1", rest + ':' + base64(std::string(63, 's'))), 0},
      {fields("YQ", "1", rest + ':' + base64(std::string(64, 's'))), 34},
      {fields("YQ", "1", "3.0.0:3:" + base64("1.2.3.4,tcp/22") + ":65536"), 0},
      {fields("YQ", "1", "3.0.0:3:" + base64("1.2.3.4,tcp/22") + ":65537"), 42},
      {fields("YQ", "1", "3.0.0:2:" + base64("1.2.3.4,tcp/22") + ':' + std::string(173, 'A')), 31},
  };
  for (const Row& row : rows) EXPECT_EQ(code_of(plaintext_of(row.encoded)), row.code) << row.encoded;
}

TEST(Decode, a_nul_ends_as_a_wrong_digest) {
  const std::string good = plaintext_of(encode(test::sample_message()).value());
  EXPECT_EQ(code_of(good + std::string(1, '\0')), static_cast<int>(Code::digest_verification_failed));
}

TEST(Decode, the_digest_stands_behind_the_eleventh_separator_at_most) {
  const std::string encoded = fields("YQ", "1", "3.0.0:1:" + base64("1.2.3.4,tcp/22") + "::::::");
  EXPECT_EQ(code_of(plaintext_of(encoded)), static_cast<int>(Code::invalid_digest_type));
}

TEST(Decode, random_value_is_exactly_16_digits) {
  const std::string tail = ":YQ:1:3.0.0:1:" + base64("1.2.3.4,tcp/22");
  EXPECT_EQ(code_of(plaintext_of("1234567890123456" + tail)), 0);
  for (const char* random : {"123456789012345", "12345678901234567", "123456789012345a", ""})
    EXPECT_EQ(code_of(plaintext_of(random + tail)), 12) << random;
}

}  // namespace
}  // namespace latchkey::spa
