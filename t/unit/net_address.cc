// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses, prefixes, ports: text to value and back.
#include "common/net/address.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/base/random.h"

namespace latchkey::net {
namespace {

TEST(IpAddress, prints_as_inet_ntop) {
  for (const char* text : {"0.0.0.0", "10.9.0.1", "255.255.255.255", "::", "::1", "fe80::5", "::ffff:1.2.3.4",
                           "2001:db8:0:1:1:1:1:1", "fd00:77::5"}) {
    const auto address = parse_ip_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(format_ip_address(*address), text);
  }
  EXPECT_EQ(format_ip_address(*parse_ip_address("FD00:77:0::5")), "fd00:77::5");
}

TEST(IpAddress, refuses_other_forms) {
  constexpr auto texts = std::to_array<std::string_view>({"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", " 1.2.3.4",
                                                          "1.2.3.4 ", "0x1.2.3.4", "1.2.3.4/8", "[::1]", "::1%lo",
                                                          ":::", "g::", std::string_view("1.2.3.4\0", 8),
                                                          "1111:2222:3333:4444:5555:6666:7777:88889999999999999"});
  for (const std::string_view text : texts) EXPECT_FALSE(parse_ip_address(text)) << text;
}

TEST(IpAddress, round_trips_at_random) {
  SeededRng rng(7);
  for (int i = 0; i < 1000; ++i) {
    std::array<std::byte, 16> bytes{};
    ASSERT_TRUE(rng.fill(bytes));
    if (i % 3 == 0) std::fill(bytes.begin() + 2, bytes.begin() + 12, std::byte{0});
    const auto address = *IpAddress::from_bytes(ByteView(bytes).first(i % 2 == 0 ? 4 : 16));
    EXPECT_EQ(parse_ip_address(format_ip_address(address)), address);
  }
}

TEST(IpAddress, compares_and_classifies) {
  EXPECT_LT(IpAddress::v4(0xffffffff), IpAddress::v6({}));
  EXPECT_LT(IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002));
  EXPECT_EQ(IpAddress::v4(0x01020304).v4_value(), 0x01020304u);
  EXPECT_NE(IpAddress::v4(0x01020304), *parse_ip_address("::ffff:1.2.3.4"));
  EXPECT_TRUE(IpAddress().is_unspecified());
  EXPECT_EQ(IpAddress::from_bytes(*parse_hex("0102030405")), std::nullopt);
}

TEST(IpAddress, hashes_differ) {
  std::vector<std::size_t> hashes;
  for (std::uint32_t i = 0; i < 10000; ++i) hashes.push_back(std::hash<IpAddress>{}(IpAddress::v4(i)));
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

TEST(Protocol, prints_names_and_numbers) {
  EXPECT_EQ(format_protocol(IpProtocol::icmp), "icmp");
  EXPECT_EQ(format_protocol(IpProtocol{47}), "47");
}

}  // namespace
}  // namespace latchkey::net
