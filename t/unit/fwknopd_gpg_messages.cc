// SPDX-License-Identifier: GPL-2.0-or-later
// Requests and answers about GPG packets: round trips, limits, every prefix refused.
#include "fwknopd/gpg_messages.h"

#include <gtest/gtest.h>

namespace latchkey::fwknopd {
namespace {

GpgAnswer full_answer() {
  GpgAnswer answer{.id = 0x0102030405060708,
                   .stage = GpgAnswer::Stage::decrypted,
                   .code = spa::Code::gpgme_bad_signature,
                   .text = "text",
                   .primary_fingerprint = "PRIMARY",
                   .is_for_decrypt_id = false};
  answer.decrypted.plaintext = crypto::SecretBytes::copy_of("plaintext");
  answer.decrypted.signatures = {{.fingerprint = "FPR",
                                  .summary = 3,
                                  .status = 9,
                                  .status_text = "No public key",
                                  .validity = 4,
                                  .is_verified = true},
                                 {.fingerprint = "SECOND"}};
  return answer;
}

TEST(GpgMessages, request_round_trips) {
  const GpgRequest request{7, 3, Bytes(1125, std::byte{0x85})};
  const auto decoded = decode_gpg_request(encode(request));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->id, 7u);
  EXPECT_EQ(decoded->stanza, 3u);
  EXPECT_EQ(decoded->message, request.message);
}

TEST(GpgMessages, answer_round_trips_with_its_first_signature) {
  const auto decoded = decode_gpg_answer(encode(full_answer()));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->id, 0x0102030405060708u);
  EXPECT_EQ(decoded->stage, GpgAnswer::Stage::decrypted);
  EXPECT_EQ(decoded->code, spa::Code::gpgme_bad_signature);
  EXPECT_EQ(decoded->text, "text");
  EXPECT_EQ(decoded->decrypted.plaintext.text(), "plaintext");
  ASSERT_EQ(decoded->decrypted.signatures.size(), 1u);
  const auto& signature = decoded->decrypted.signatures.front();
  EXPECT_EQ(signature.fingerprint, "FPR");
  EXPECT_EQ(signature.summary, 3);
  EXPECT_EQ(signature.status, 9);
  EXPECT_EQ(signature.status_text, "No public key");
  EXPECT_EQ(signature.validity, 4);
  EXPECT_TRUE(signature.is_verified);
  EXPECT_EQ(decoded->primary_fingerprint, "PRIMARY");
  EXPECT_FALSE(decoded->is_for_decrypt_id);
}

TEST(GpgMessages, prefixes_and_longer_texts_are_refused) {
  const Bytes request = encode(GpgRequest{7, 3, Bytes(10)});
  for (std::size_t size = 0; size < request.size(); ++size)
    EXPECT_FALSE(decode_gpg_request(ByteView{request}.first(size))) << size;
  const Bytes answer = encode(full_answer());
  for (std::size_t size = 0; size < answer.size(); ++size)
    EXPECT_FALSE(decode_gpg_answer(ByteView{answer}.first(size))) << size;
  for (Bytes message : {request, answer}) {
    message.push_back(std::byte{0});
    EXPECT_FALSE(decode_gpg_request(message));
    EXPECT_FALSE(decode_gpg_answer(message));
  }
}

TEST(GpgMessages, sizes_and_numbers_have_limits) {
  Bytes request = encode(GpgRequest{7, 3, Bytes(1500)});
  EXPECT_TRUE(decode_gpg_request(request));
  request[13] = static_cast<std::byte>(std::to_integer<unsigned>(request[13]) + 1);  // 1501, and one byte to match it
  request.push_back(std::byte{0});
  EXPECT_FALSE(decode_gpg_request(request));
  Bytes answer = encode(full_answer());
  answer[8] = std::byte{4};  // stage
  EXPECT_FALSE(decode_gpg_answer(answer));
}

TEST(GpgMessages, a_plaintext_that_is_too_long_stays_too_long) {
  GpgAnswer answer = full_answer();
  answer.decrypted.plaintext = crypto::SecretBytes{5000};
  const auto decoded = decode_gpg_answer(encode(answer));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->decrypted.plaintext.size(), 1500u);
}

}  // namespace
}  // namespace latchkey::fwknopd
