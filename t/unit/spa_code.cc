// SPDX-License-Identifier: GPL-2.0-or-later
// The error tables (spec/spa-wire.md 10).
#include "common/spa/code.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace latchkey::spa {
namespace {

TEST(Code, texts_are_those_of_the_table_or_the_shared_text_with_the_name) {
  EXPECT_EQ(error_text(Code::success), "Success");
  EXPECT_EQ(error_text(Code::hmac_comparefail), "Args contain invalid data: FKO_ERROR_INVALID_DATA_HMAC_COMPAREFAIL");
  EXPECT_EQ(error_text(Code::invalid_key_len), "Invalid key length");
  EXPECT_EQ(error_text(Code::gpgme_signature_verify_disabled), "Trying to check signature with verification disabled");
  EXPECT_EQ(static_cast<int>(Code::gpgme_signature_verify_disabled), 139);
  EXPECT_EQ(error_name(Code::decryption_failure), "FKO_ERROR_DECRYPTION_FAILURE");
}

TEST(Code, any_number_has_a_text) {
  EXPECT_EQ(error_text(static_cast<Code>(107)), "Decryption failed or decrypted data is invalid");
  for (const int number : {-1, 114, 140, 100000})
    EXPECT_EQ(error_text(static_cast<Code>(number)), "Undefined Error") << number;
  EXPECT_EQ(error_text(static_cast<ServerCode>(4098)), "Data is not an SPA message");
  EXPECT_EQ(error_text(static_cast<ServerCode>(4110)), "Undefined/unknown fwknopd Error");
  EXPECT_EQ(error_text(static_cast<ServerCode>(8192)), "An error occurred while tring to add a firewall rule");
}

TEST(Code, gpg_errors_are_115_to_139) {
  for (int number = 0; number <= 139; ++number)
    EXPECT_EQ(is_gpg_error(static_cast<Code>(number)), number >= 115) << number;
}

TEST(Code, server_dump_has_17_lines) {
  const std::string lines = format_server_codes();
  EXPECT_EQ(std::ranges::count(lines, '\n'), 17);
  EXPECT_TRUE(lines.starts_with("err code: 4096, err string: 'Data is not a valid SPA message format'\n"));
  EXPECT_TRUE(lines.ends_with("err code: 8194, err string: 'Unknown/unclassified firewall rule processing error'\n"));
}

}  // namespace
}  // namespace latchkey::spa
