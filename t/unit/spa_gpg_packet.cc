// SPDX-License-Identifier: GPL-2.0-or-later
// Asymmetric mode without GnuPG: the head of a packet, its structure, the signature rules.
#include "common/spa/gpg_packet.h"

#include <gtest/gtest.h>

#include "common/crypto/base64.h"
#include "t/lib/seed.h"
#include "t/lib/spa_samples.h"

namespace latchkey::spa {
namespace {

constexpr std::string_view hmac_key = "hmachmac";

PacketKeys make_keys(DigestType hmac_type) {
  return {{.mode = EncryptionMode::asymmetric, .hmac_type = hmac_type},
          {},
          hmac_type == DigestType::none ? ByteView{} : as_bytes(hmac_key)};
}

// A session-key packet with this header and encrypted data behind it; the bodies are random. Once in 1200 times octets
// of a body look like packets that fit as well: `mask` 0x7f keeps packets from beginning inside.
Bytes make_message(std::span<const std::uint8_t> header, std::size_t key_bytes, Rng& rng,
                   std::byte mask = std::byte{0x7f}) {
  Writer message;
  for (const std::uint8_t octet : header) message.put_u8(octet);
  Bytes body(key_bytes);
  EXPECT_TRUE(rng.fill(body));
  for (std::byte& octet : body) octet &= mask;
  body[0] = std::byte{3};
  message.put(body);
  Bytes data(150);
  EXPECT_TRUE(rng.fill(data));
  data[0] = std::byte{1};
  message.put_u8(0xd2);
  message.put_u8(150);
  message.put(data);
  return message.release();
}

std::string wire_of(const Bytes& message, DigestType hmac_type) {
  const std::string text = crypto::encode_base64(message);
  return text.substr(2) + make_hmac(hmac_type, as_bytes(hmac_key), text).value();
}

void expect_opens_with(DigestType type, const Bytes& message, std::string_view head) {
  const auto keys = make_keys(type);
  const std::string wire = wire_of(message, type);
  const IncomingPacket packet{wire};
  const auto found = find_gpg_head(packet, keys);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, head);
  EXPECT_EQ(decode_gpg_text(packet, keys, *found).value(), message);
  EXPECT_TRUE(looks_like_gpg(message));
}

void expect_opens(const Bytes& message, std::string_view head) {
  expect_opens_with(DigestType::none, message, head);
  expect_opens_with(DigestType::sha256, message, head);
}

TEST(GpgHead, is_found_for_every_session_key_header) {
  SeededRng rng{test::seed()};
  for (const unsigned bytes : {271u, 524u}) {  // two octets of length, as RSA 2048 and 4096 have
    const std::uint8_t header[] = {0x85, static_cast<std::uint8_t>(bytes >> 8), static_cast<std::uint8_t>(bytes)};
    expect_opens(make_message(header, bytes, rng), "hQ");
  }
  for (const unsigned bytes : {20u, 94u, 140u, 191u}) {
    const auto octet = static_cast<std::uint8_t>(bytes);
    const std::uint8_t old_format[] = {0x84, octet};
    const std::uint8_t new_format[] = {0xc1, octet};
    const char high = static_cast<char>('A' + bytes / 16);
    expect_opens(make_message(old_format, bytes, rng), std::string{'h', high});
    const Bytes message = make_message(new_format, bytes, rng);
    const std::string second = crypto::encode_base64(message).substr(0, 2);
    EXPECT_EQ(second[0], 'w');
    expect_opens_with(DigestType::sha256, message, second);
    // Without an HMAC nothing tells the old from the new format; for gpg they are the same.
    const std::string wire = wire_of(message, DigestType::none);
    EXPECT_EQ(find_gpg_head(IncomingPacket{wire}, make_keys(DigestType::none)).value(), (std::string{'h', high}));
  }
}

TEST(GpgHead, is_not_found_inside_a_random_body) {
  const std::uint8_t header[] = {0x84, 140};
  const auto keys = make_keys(DigestType::none);
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    SeededRng rng{seed};
    const std::string wire = wire_of(make_message(header, 140, rng, std::byte{0xff}), DigestType::none);
    if (find_gpg_head(IncomingPacket{wire}, keys).value() != "hI") ++wrong;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(GpgHead, stays_the_usual_one_when_nothing_fits) {
  SeededRng rng{test::seed()};
  for (int i = 0; i < 200; ++i) {
    Bytes junk(400);
    ASSERT_TRUE(rng.fill(junk));
    const std::string wire = crypto::encode_base64(junk);
    EXPECT_TRUE(find_gpg_head(IncomingPacket{wire}, make_keys(DigestType::none)).ok());
    EXPECT_EQ(find_gpg_head(IncomingPacket{wire}, make_keys(DigestType::sha256)).error(), Code::hmac_comparefail);
  }
}

TEST(GpgText, has_one_form) {
  SeededRng rng{1};
  const std::uint8_t header[] = {0x85, 0x01, 0x0f};
  const Bytes message = make_message(header, 271, rng);
  const auto keys = make_keys(DigestType::none);
  const std::string wire = wire_of(message, DigestType::none);
  EXPECT_EQ(decode_gpg_text(IncomingPacket{wire + '='}, keys, "hQ").error(), Code::encode_notbase64);
  EXPECT_EQ(decode_gpg_text(IncomingPacket{wire + "AAA"}, keys, "hQ").ok(), (wire.size() + 5) % 4 != 1);
  std::string changed = wire;
  changed.back() = changed.back() == '/' ? '+' : static_cast<char>(changed.back() + 1);
  const auto decoded = decode_gpg_text(IncomingPacket{changed}, keys, "hQ");
  EXPECT_TRUE(!decoded || *decoded != message);
}

TEST(LooksLikeGpg, wants_version_3_and_a_packet_behind) {
  SeededRng rng{1};
  const std::uint8_t header[] = {0x85, 0x01, 0x0f};
  Bytes message = make_message(header, 271, rng);
  EXPECT_TRUE(looks_like_gpg(message));
  EXPECT_FALSE(looks_like_gpg(ByteView{message}.first(3 + 271)));
  message[3] = std::byte{4};
  EXPECT_FALSE(looks_like_gpg(message));
  EXPECT_FALSE(looks_like_gpg({}));
  for (std::size_t size = 0; size < message.size(); ++size) looks_like_gpg(ByteView{message}.first(size));
}

Code verdict(const std::vector<crypto::GpgSignature>& signatures, SignatureRules rules) {
  const std::string encoded = encode(test::sample_message()).value();
  crypto::GpgDecrypted decrypted{
      .plaintext = crypto::SecretBytes::copy_of(encoded + ':' + internal_digest(DigestType::sha256, encoded)),
      .signatures = signatures};
  const auto decoded = accept_gpg_plaintext(decrypted, rules);
  return decoded ? Code::success : decoded.error().code;
}

TEST(Signature, rules_follow_status_and_validity) {
  const crypto::GpgSignature good{.fingerprint = "A", .validity = 3, .is_verified = true};
  const crypto::GpgSignature untrusted{.fingerprint = "A", .validity = 2, .is_verified = true};
  const crypto::GpgSignature expired{.fingerprint = "A", .status = 153, .validity = 5, .is_verified = true};
  const crypto::GpgSignature unknown{.fingerprint = "A", .status = 9, .status_text = "No public key"};
  const SignatureRules strict{};
  const SignatureRules lenient{.ignores_errors = true};
  const SignatureRules off{.is_required = false};
  EXPECT_EQ(verdict({}, strict), Code::gpgme_no_signature);
  EXPECT_EQ(verdict({}, lenient), Code::gpgme_no_signature);
  EXPECT_EQ(verdict({}, off), Code::success);
  EXPECT_EQ(verdict({good}, strict), Code::success);
  EXPECT_EQ(verdict({good, unknown}, strict), Code::success);
  EXPECT_EQ(verdict({unknown, good}, strict), Code::gpgme_bad_signature);
  for (const auto& signature : {untrusted, expired}) {
    EXPECT_EQ(verdict({signature}, strict), Code::gpgme_bad_signature);
    EXPECT_EQ(verdict({signature}, lenient), Code::success);
  }
  EXPECT_EQ(verdict({unknown}, lenient), Code::gpgme_bad_signature);
  EXPECT_EQ(verdict({unknown}, off), Code::success);
}

TEST(GpgPlaintext, has_36_to_1499_characters) {
  const auto code = [](std::size_t size) {
    crypto::GpgDecrypted decrypted{.plaintext = crypto::SecretBytes{size}};
    return accept_gpg_plaintext(decrypted, {.is_required = false}).error().code;
  };
  for (const std::size_t size : {0u, 35u, 1500u}) EXPECT_EQ(code(size), Code::encrypt_decrypted_msglen_validfail);
  EXPECT_EQ(code(36), Code::decode_lt_min_fields);
}

}  // namespace
}  // namespace latchkey::spa
