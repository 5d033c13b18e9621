// SPDX-License-Identifier: GPL-2.0-or-later
// knock's operands, delays, usage text and man page.
#include <gtest/gtest.h>

#include <chrono>

#include "common/cli/usage.h"
#include "knock/client.h"
#include "knock/hits.h"
#include "knock/options.h"
#include "t/lib/man_pages.h"

namespace latchkey::knock {
namespace {

constexpr auto tcp = net::IpProtocol::tcp;
constexpr auto udp = net::IpProtocol::udp;

TEST(Hit, takes_a_protocol_in_any_case) {
  EXPECT_EQ(*parse_hit("7000", false), (Hit{tcp, "7000"}));
  EXPECT_EQ(*parse_hit("7000", true), (Hit{udp, "7000"}));
  EXPECT_EQ(*parse_hit("7000:tcp", true), (Hit{udp, "7000"}));
  EXPECT_EQ(*parse_hit("7003:UDP", false), (Hit{udp, "7003"}));
  EXPECT_EQ(*parse_hit("ssh:Tcp", false), (Hit{tcp, "ssh"}));
}

TEST(Hit, refuses_another_protocol) {
  EXPECT_EQ(parse_hit("7004:", false).error().text, "error: unknown protocol ''");
  EXPECT_EQ(parse_hit("7005:udp:x", false).error().text, "error: unknown protocol 'udp:x'");
  EXPECT_EQ(parse_hit("7006:xyz", true).error().text, "error: unknown protocol 'xyz'");
}

TEST(Delay, is_whole_milliseconds) {
  EXPECT_EQ(parse_delay("0").value(), 0);
  EXPECT_EQ(parse_delay(" +5").value(), 5);
  EXPECT_EQ(parse_delay("2147483647").value(), 2147483647);
  for (const char* text : {"abc", "", "5x", "2147483648", "99999999999999999999"})
    EXPECT_EQ(parse_delay(text).error().text, "error: invalid delay '" + std::string(text) + "'");
  EXPECT_EQ(parse_delay("-5").error().text, "error: delay cannot be negative");
}

int run(std::vector<std::string> words) {
  std::string name = "knock";
  std::vector<char*> arguments{name.data()};
  for (std::string& word : words) arguments.push_back(word.data());
  return run_knock(arguments);
}

TEST(Run, sleeps_after_every_hit) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run({"-d", "60", "127.0.0.1", "9:udp", "9:udp"}), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(120));
}

TEST(Run, ends_with_1_after_help_and_0_after_the_version) {
  EXPECT_EQ(run({"-h"}), 1);
  EXPECT_EQ(run({"-V"}), 0);
  EXPECT_EQ(run({"127.0.0.1"}), 1);
}

TEST(Resolving, reads_numbers_as_getaddrinfo_does_but_never_wraps) {
  const std::vector<Hit> good = {{tcp, " 80"}, {tcp, "+81"}, {tcp, "080"}, {udp, "65535"}, {tcp, "0"}};
  const auto targets = resolve_hits("127.0.0.1", good, net::Family::any);
  ASSERT_TRUE(targets) << targets.error().text;
  std::vector<int> ports;
  for (const auto& target : *targets) ports.push_back(target.port);
  EXPECT_EQ(ports, (std::vector<int>{80, 81, 80, 65535, 0}));
  for (const char* port : {"65536", "70000", "-1", "", "0x50", "80x", "nosuchsvc"})
    EXPECT_EQ(resolve_hits("127.0.0.1", std::vector<Hit>{{tcp, "1"}, {tcp, port}}, net::Family::any).error().text,
              std::string("Failed to resolve hostname '127.0.0.1' on port ") + port +
                  "\ngetaddrinfo: Servname not supported for ai_socktype");
}

TEST(Resolving, tells_of_a_wrong_family) {
  EXPECT_EQ(resolve_hits("127.0.0.1", std::vector<Hit>{{tcp, "9"}}, net::Family::v6).error().text,
            "Failed to resolve hostname '127.0.0.1' on port 9\n"
            "getaddrinfo: Address family for hostname not supported");
}

TEST(Usage, is_that_of_the_peer) {
  EXPECT_EQ(usage_text(),
            R"(usage: knock [options] <host> <port[:proto]> [port[:proto]] ...
options:
  -u, --udp            make all ports hits use UDP (default is TCP)
  -d, --delay <t>      wait <t> milliseconds between port hits
  -4, --ipv4           Force usage of IPv4
  -6, --ipv6           Force usage of IPv6
  -v, --verbose        be verbose
  -V, --version        display version
  -h, --help           this help

example:  knock myserver.example.com 123:tcp 456:udp 789:tcp

)");
}

TEST(ManPage, describes_every_option) {
  EXPECT_EQ(cli::check_man_page(cli::texts_of(option_table()), testing_tools::man_page("knock.1")),
            std::vector<std::string>{});
}

}  // namespace
}  // namespace latchkey::knock
