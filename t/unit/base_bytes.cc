// SPDX-License-Identifier: GPL-2.0-or-later
// Byte buffers: hexadecimal, cursor, writer, wiping.
#include "common/base/bytes.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(Hex, round_trips_either_case) {
  const auto bytes = parse_hex("00fFA5");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(format_hex(*bytes), "00ffa5");
}

TEST(Hex, rejects_odd_length_and_other_characters) {
  for (const char* text : {"0", "0g", "0x00", " 00"}) EXPECT_FALSE(parse_hex(text)) << text;
}

TEST(Cursor, takes_nothing_when_too_little_remains) {
  const Bytes bytes = *parse_hex("0102030405");
  Cursor cursor(bytes);
  EXPECT_EQ(cursor.take_u16(), 0x0102);
  EXPECT_FALSE(cursor.take_u32());
  EXPECT_EQ(cursor.rest().size(), 3u);
  EXPECT_EQ(cursor.take_u8(), 3);
  EXPECT_TRUE(cursor.skip(2));
  EXPECT_TRUE(cursor.is_empty());
}

TEST(Writer, writes_what_cursor_reads) {
  Writer writer;
  writer.put_u8(1);
  writer.put_u16(0x0203);
  writer.put_u32(0x04050607);
  writer.put_u64(0x08090a0b0c0d0e0f);
  EXPECT_EQ(format_hex(writer.view()), "0102030405060708090a0b0c0d0e0f");
  Cursor cursor(writer.view());
  cursor.skip(7);
  EXPECT_EQ(cursor.take_u64(), 0x08090a0b0c0d0e0fu);
}

TEST(Wipe, leaves_no_text) {
  std::string secret = "a secret that is longer than the small-string buffer";
  const char* memory = secret.data();
  const std::size_t size = secret.size();
  wipe(secret);
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(std::string(memory, size), std::string(size, '\0'));
}

}  // namespace
}  // namespace latchkey
