// SPDX-License-Identifier: GPL-2.0-or-later
// Field checks beyond the recorded vectors: what only the receiver refuses, and the parts that the parsers give.
#include "common/spa/validate.h"

#include <gtest/gtest.h>

namespace latchkey::spa {
namespace {

TEST(Access, gives_address_and_ports) {
  const auto access = parse_access("192.0.2.7,tcp/22,udp/00053", Side::receiver);
  ASSERT_TRUE(access);
  EXPECT_EQ(access->allow_ip, "192.0.2.7");
  EXPECT_EQ(access->address, 0xc0000207u);
  EXPECT_EQ(access->ports, (std::vector<PortItem>{{Protocol::tcp, 22}, {Protocol::udp, 53}}));
}

TEST(Access, octets_with_leading_zeros_are_the_senders_only) {
  for (const char* text : {"010.1.1.1,tcp/22", "1.2.3.00,tcp/22", "001.002.003.004,tcp/1"}) {
    EXPECT_TRUE(parse_access(text, Side::sender)) << text;
    EXPECT_FALSE(parse_access(text, Side::receiver)) << text;
  }
  EXPECT_EQ(parse_access("010.1.1.1,tcp/22", Side::sender)->address, 0x08010101u);
  EXPECT_TRUE(parse_access("0.0.0.0,tcp/22", Side::receiver));
}

TEST(Command, gives_all_behind_the_first_comma) {
  const auto command = parse_command("1.2.3.4,echo a,b:c", Side::receiver);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->command, "echo a,b:c");
  EXPECT_EQ(command->address, 0x01020304u);
}

TEST(Nat, receiver_wants_an_address_or_a_host_name) {
  for (const char* text : {"10.0.0.1,22", "host,1", "a-b.example.org,65535", "host.,22"})
    EXPECT_TRUE(parse_nat(text, Side::receiver)) << text;
  for (const char* text : {",22", "h;h,22", "h$(x),22", "h:h,22", "999.1.1.1,22", "a..b,22", "h_h,22", ".,22"})
    EXPECT_FALSE(parse_nat(text, Side::receiver)) << text;
  EXPECT_EQ(parse_nat("host,8080", Side::receiver)->port, 8080);
}

TEST(HostName, labels_have_1_to_63_characters) {
  EXPECT_TRUE(is_host_name(std::string(63, 'a')));
  EXPECT_FALSE(is_host_name(std::string(64, 'a')));
  EXPECT_FALSE(is_host_name(""));
}

TEST(Username, is_judged_by_its_first_64_characters) {
  EXPECT_TRUE(check_username(std::string(64, 'a') + "/"));
  EXPECT_FALSE(check_username(std::string(63, 'a') + "/"));
}

}  // namespace
}  // namespace latchkey::spa
