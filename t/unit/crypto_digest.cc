// SPDX-License-Identifier: GPL-2.0-or-later
// Digests and HMACs against published values.
#include "common/crypto/digest.h"

#include <gtest/gtest.h>

namespace latchkey::crypto {
namespace {

using enum DigestType;

std::string hex_digest(DigestType type, std::string_view text) {
  return format_hex(digest(type, as_bytes(text)).view());
}

TEST(Digest, gives_the_published_values_of_abc) {
  EXPECT_EQ(hex_digest(md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex_digest(sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_digest(sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_digest(sha3_256, "abc"), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
  EXPECT_EQ(hex_digest(sha384, "abc").substr(0, 16), "cb00753f45a35e8b");
  EXPECT_EQ(hex_digest(sha512, "abc").substr(0, 16), "ddaf35a193617aba");
  EXPECT_EQ(hex_digest(sha3_512, "abc").substr(0, 16), "b751850b1a57168a");
}

TEST(Digest, names_and_sizes_follow_the_table_of_the_protocol) {
  struct Row {
    const char *given, *printed;
    DigestType type;
    std::size_t size, text_size;
  };
  for (const Row& row : {Row{"md5", "MD5", md5, 16, 22},
                         {"Sha1", "SHA1", sha1, 20, 27},
                         {"SHA256", "SHA256", sha256, 32, 43},
                         {"sha384", "SHA384", sha384, 48, 64},
                         {"sha512", "SHA512", sha512, 64, 86},
                         {"sha3_256", "SHA3_256", sha3_256, 32, 43},
                         {"sha3_512", "SHA3_512", sha3_512, 64, 86}}) {
    EXPECT_EQ(parse_digest_type(row.given), row.type);
    EXPECT_EQ(digest_name(row.type), row.printed);
    EXPECT_EQ(digest_size(row.type), row.size);
    EXPECT_EQ(digest_text_size(row.type), row.text_size);
  }
  for (const char* text : {"", "none", "sha2", "sha256 ", "3"}) EXPECT_FALSE(parse_digest_type(text)) << text;
}

TEST(Hmac, gives_the_values_of_rfc_4231_however_often_it_is_used) {
  const Bytes key(20, std::byte{0x0b});
  const Hmac hmac{sha256, key};
  for (int round = 0; round < 3; ++round)
    EXPECT_EQ(format_hex(hmac.compute(as_bytes("Hi There")).view()),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(Hmac, hashes_a_key_longer_than_the_block_first) {
  const Bytes key(131, std::byte{0xaa});
  const Hmac hmac{sha256, key};
  EXPECT_EQ(format_hex(hmac.compute(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")).view()),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, of_two_parts_is_that_of_their_join) {
  for (const DigestType type : {md5, sha1, sha256, sha384, sha512, sha3_256, sha3_512}) {
    const Hmac hmac{type, as_bytes("key")};
    const auto whole = hmac.compute(as_bytes("U2FsdGVkX1abc"));
    const auto parts = hmac.compute(as_bytes("U2FsdGVkX1"), as_bytes("abc"));
    EXPECT_EQ(format_hex(whole.view()), format_hex(parts.view()));
    EXPECT_EQ(whole.view().size(), digest_size(type));
  }
}

}  // namespace
}  // namespace latchkey::crypto
