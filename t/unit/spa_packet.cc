// SPDX-License-Identifier: GPL-2.0-or-later
// Sealing and opening: every mode and HMAC, mutations of the wire text, order of the checks, the plan of a stanza.
#include <gtest/gtest.h>

#include "common/spa/open.h"
#include "common/spa/seal.h"
#include "t/lib/seed.h"
#include "t/lib/spa_samples.h"

namespace latchkey::spa {
namespace {

using enum EncryptionMode;
constexpr std::string_view key = "testtest";
constexpr std::string_view hmac_key = "hmachmac";

PacketKeys make_keys(EncryptionMode mode, DigestType hmac_type, std::string_view cipher = key,
                     std::string_view hmac = hmac_key) {
  return {{.mode = mode, .hmac_type = hmac_type},
          crypto::SecretBytes::copy_of(cipher),
          hmac_type == DigestType::none ? ByteView{} : as_bytes(hmac)};
}

int open_code(std::string_view wire, const PacketKeys& keys) {
  const auto opened = open_rijndael(IncomingPacket{wire}, keys);
  return opened ? 0 : static_cast<int>(opened.error());
}

Sealed seal_sample(SealSettings settings, std::uint64_t seed = 1) {
  SeededRng rng{seed};
  return seal(test::sample_message(), as_bytes(key), as_bytes(hmac_key), settings, rng).value();
}

TEST(Packet, round_trips_random_messages_in_every_mode_digest_and_hmac) {
  test::MessageMaker maker{test::seed()};
  for (const EncryptionMode mode : {ecb, cbc, cfb, ofb, ctr, legacy}) {
    for (int digest = 1; digest <= 7; ++digest) {
      for (int hmac = 0; hmac <= 7; ++hmac) {
        const SealSettings settings{mode, static_cast<DigestType>(digest), static_cast<DigestType>(hmac)};
        const Message message = maker.make();
        const auto sealed = seal(message, as_bytes(key), as_bytes(hmac_key), settings, maker.rng());
        ASSERT_TRUE(sealed);
        const auto opened = open_rijndael(IncomingPacket{sealed->wire}, make_keys(mode, settings.hmac_type));
        ASSERT_TRUE(opened) << static_cast<int>(opened.error());
        EXPECT_EQ(opened->decoded.message, message);
        EXPECT_EQ(opened->decoded.digest_type, settings.digest_type);
        EXPECT_EQ(opened->decoded.encoded, sealed->encoded);
        EXPECT_EQ(opened->hmac, sealed->hmac);
      }
    }
  }
}

TEST(Packet, starts_with_one_of_four_characters) {
  for (std::uint64_t i = 0; i < 50; ++i)
    EXPECT_NE(std::string("89+/").find(seal_sample({}, i).wire.front()), std::string::npos);
}

TEST(Packet, no_changed_character_and_no_prefix_passes_an_hmac) {
  const auto keys = make_keys(cbc, DigestType::sha256);
  const std::string good = seal_sample({.hmac_type = DigestType::sha256}).wire;
  ASSERT_EQ(open_code(good, keys), 0);
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(open_code(good.substr(0, i), keys), 0) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_NE(open_code(bad, keys), 0) << i << ' ' << bit;
    }
  }
}

TEST(Packet, without_hmac_no_second_text_of_a_packet_passes) {
  const auto keys = make_keys(cbc, DigestType::none);
  const std::string good = seal_sample({}).wire;
  ASSERT_EQ(open_code(good, keys), 0);
  EXPECT_EQ(open_code(good + '=', keys), 47);
  EXPECT_EQ(open_code(good + "=AAAA", keys), 47);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_NE(open_code(bad, keys), 0) << i << ' ' << bit;
    }
  }
}

TEST(Packet, bad_keys_are_reported_in_their_place_of_the_order) {
  const std::string wire = seal_sample({.hmac_type = DigestType::sha256}).wire;
  const std::string long_key(33, 'k');
  const std::string long_hmac_key(137, 'k');
  EXPECT_EQ(open_code(wire, make_keys(cbc, DigestType::sha256, long_key)), 95);
  EXPECT_EQ(open_code(wire, make_keys(cbc, DigestType::sha256, long_key, long_hmac_key)), 109);
  EXPECT_EQ(open_code(wire.substr(0, 35), make_keys(cbc, DigestType::sha256, long_key, long_hmac_key)), 67);
  const PacketKeys no_type{
      {.mode = cbc, .hmac_type = DigestType::none}, crypto::SecretBytes::copy_of(key), as_bytes(hmac_key)};
  EXPECT_EQ(open_code(wire, no_type), 110);
  EXPECT_EQ(open_code(wire, make_keys(cbc, DigestType::sha256, "", hmac_key)), 107);
}

TEST(Packet, modes_that_are_no_cipher_are_refused) {
  SeededRng rng{1};
  const std::string wire = seal_sample({}).wire;
  for (const EncryptionMode mode : {EncryptionMode::unknown, pcbc, asymmetric}) {
    EXPECT_EQ(open_code(wire, make_keys(mode, DigestType::none)), 104);
    EXPECT_EQ(seal(test::sample_message(), as_bytes(key), {}, {.mode = mode}, rng).error(),
              Code::invalid_encryption_type);
  }
  // The GPG prefix is what an HMAC of asymmetric mode covers.
  const std::string with_hmac = seal_sample({.hmac_type = DigestType::sha256}).wire;
  EXPECT_EQ(open_code(with_hmac, make_keys(asymmetric, DigestType::sha256)), 75);
}

TEST(Seal, refuses_bad_keys) {
  SeededRng rng{1};
  const auto code = [&](std::size_t key_size, std::size_t hmac_size, DigestType type) {
    const Bytes cipher(key_size, std::byte{'k'});
    const Bytes hmac(hmac_size, std::byte{'h'});
    const auto sealed = seal(test::sample_message(), cipher, hmac, {.hmac_type = type}, rng);
    return sealed ? 0 : static_cast<int>(sealed.error());
  };
  EXPECT_EQ(code(32, 0, DigestType::none), 0);
  EXPECT_EQ(code(0, 0, DigestType::none), 0);
  EXPECT_EQ(code(33, 0, DigestType::none), 95);
  EXPECT_EQ(code(32, 0, DigestType::md5), 95);
  EXPECT_EQ(code(32, 136, DigestType::md5), 0);
  EXPECT_EQ(code(32, 137, DigestType::md5), 109);
}

TEST(Seal, fails_without_random_numbers) {
  struct BrokenRng final : Rng {
    Result<void> fill(std::span<std::byte>) override { return fail(Error{"no entropy"}); }
  } rng;
  EXPECT_EQ(seal(test::sample_message(), as_bytes(key), {}, {}, rng).error(), Code::filesystem_operation);
  EXPECT_EQ(make_random_value(rng).error(), Code::filesystem_operation);
}

TEST(Seal, limits_of_every_receiver_are_those_of_the_table) {
  using enum crypto::DigestType;
  EXPECT_EQ(longest_portable_plaintext(none), 287u);
  EXPECT_EQ(longest_portable_plaintext(md5), 271u);
  for (const DigestType type : {sha1, sha256, sha3_256}) EXPECT_EQ(longest_portable_plaintext(type), 255u);
  EXPECT_EQ(longest_portable_plaintext(sha384), 239u);
  for (const DigestType type : {sha512, sha3_512}) EXPECT_EQ(longest_portable_plaintext(type), 223u);
}

TEST(Plan, length_decides_and_the_other_cipher_is_tried_quietly) {
  const auto describe = [](const std::string& wire, StanzaCiphers stanza) {
    const AttemptPlan plan = plan_attempts(wire, stanza);
    std::string text;
    for (const auto& step : {plan.first, plan.second})
      if (step)
        text += std::string(step->is_quiet ? "quiet " : "loud ") +
                (step->cipher == EncryptionType::gpg ? "gpg " : "rijndael ");
    return text;
  };
  const std::string short_wire(399, 'A');
  const std::string long_wire(400, 'A');
  const std::string long_rijndael = '8' + long_wire;
  EXPECT_EQ(describe(short_wire, {true, false, false}), "loud rijndael ");
  EXPECT_EQ(describe(long_wire, {true, false, false}), "quiet rijndael ");
  EXPECT_EQ(describe(long_wire, {true, false, true}), "loud rijndael ");
  EXPECT_EQ(describe(short_wire, {false, true, false}), "quiet gpg ");
  EXPECT_EQ(describe(long_wire, {false, true, false}), "loud gpg ");
  EXPECT_EQ(describe(long_wire, {true, true, false}), "loud gpg quiet rijndael ");
  EXPECT_EQ(describe(long_rijndael, {true, true, false}), "quiet rijndael loud gpg ");
  EXPECT_EQ(describe(long_wire, {true, true, true}), "loud rijndael loud gpg ");
  EXPECT_EQ(describe(short_wire, {true, true, false}), "loud rijndael quiet gpg ");
  EXPECT_EQ(describe(long_wire, {false, false, false}), "");
  EXPECT_EQ(describe(std::string(1500, 'A'), {true, true, true}), "");
  EXPECT_EQ(plan_attempts(long_wire, {true, false, false}).guess, EncryptionType::gpg);
}

TEST(Open, a_long_packet_opens_all_the_same_and_fails_as_the_length_guess_does) {
  Message message = test::sample_message();
  message.body =
      Access{parse_access("1.2.3.4,tcp/10000,tcp/10001,tcp/10002,tcp/10003,tcp/10004,tcp/10005,tcp/10006,"
                          "tcp/10007,tcp/10008,tcp/10009,tcp/10010,tcp/10011,tcp/10012,tcp/10013,tcp/10014,tcp/10015",
                          Side::sender)
                 .value()};
  SeededRng rng{1};
  const auto sealed = seal(message, as_bytes(key), as_bytes(hmac_key), {.hmac_type = DigestType::sha256}, rng);
  ASSERT_TRUE(sealed);
  ASSERT_GE(sealed->wire.size(), 433u);
  EXPECT_EQ(open_code(sealed->wire, make_keys(cbc, DigestType::sha256)), 0);
  EXPECT_EQ(open_code(sealed->wire, make_keys(cbc, DigestType::sha256, "wrong")), 65);
  EXPECT_EQ(open_code(sealed->wire, make_keys(cbc, DigestType::sha256, key, "wrong")), 75);
}

}  // namespace
}  // namespace latchkey::spa
