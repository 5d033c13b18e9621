// SPDX-License-Identifier: GPL-2.0-or-later
// Text helpers: blanks, splitting, strict and lenient numbers.
#include "common/base/text.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(Strip, removes_c_white_space_only) {
  EXPECT_EQ(strip(" \t\v\f\r\n a b \n"), "a b");
  EXPECT_EQ(strip(" \t"), "");
  EXPECT_EQ(strip("\xc2\xa0x"), "\xc2\xa0x");
}

TEST(Split, keeps_empty_items) {
  EXPECT_EQ(split("a,,b", ',').size(), 3u);
  EXPECT_EQ(split("", ',').size(), 1u);
  EXPECT_EQ(split(",", ',').size(), 2u);
}

TEST(ReplaceAll, does_not_look_at_replacements_again) {
  EXPECT_EQ(replace_all("%IP%%IP% %ip%", "%IP%", "x%IP%"), "x%IP%x%IP% %ip%");
}

TEST(ParseNumber, takes_whole_numbers_in_range_only) {
  EXPECT_EQ(parse_number<int>("65535", 0, 65535), 65535);
  for (const char* text : {"", "65536", "-1", "+1", " 1", "1 ", "1x", "0x1", "99999999999999999999"})
    EXPECT_FALSE(parse_number<int>(text, 0, 65535)) << text;
}

struct LenientCase {
  const char* text;
  std::int64_t value;
  bool has_digits;
  const char* rest;
};

TEST(LenientNumber, reads_what_strtol_reads) {
  for (const LenientCase& row : {LenientCase{"25s", 25, true, "s"},
                                 {" \t-3", -3, true, ""},
                                 {"+5 ", 5, true, " "},
                                 {"abc", 0, false, "abc"},
                                 {"", 0, false, ""},
                                 {"-", 0, false, "-"},
                                 {"99999999999999999999", INT64_MAX, true, ""},
                                 {"-99999999999999999999", INT64_MIN, true, ""},
                                 {"9223372036854775807", INT64_MAX, true, ""},
                                 {"-9223372036854775808", INT64_MIN, true, ""}}) {
    const LenientNumber number = parse_lenient_number(row.text);
    EXPECT_EQ(number.value, row.value) << row.text;
    EXPECT_EQ(number.has_digits, row.has_digits) << row.text;
    EXPECT_EQ(number.rest, row.rest) << row.text;
  }
  EXPECT_FALSE(parse_lenient_number("9223372036854775807").is_saturated);
  EXPECT_TRUE(parse_lenient_number("9223372036854775808").is_saturated);
}

}  // namespace
}  // namespace latchkey
