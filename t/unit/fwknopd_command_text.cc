// SPDX-License-Identifier: GPL-2.0-or-later
// Variables of command cycles and words of commands (spec/fwknopd-runtime.md 6).
#include "fwknopd/command_text.h"

#include <gtest/gtest.h>

namespace latchkey::fwknopd {
namespace {

CycleValues sample_values() {
  return {net::IpAddress::v4(0x7f000002),
          net::IpAddress::v4(0x7f000001),
          net::IpAddress::v4(0x0a000001),
          {Protocol::tcp, 22},
          1795216400,
          std::chrono::seconds(2)};
}

TEST(CycleCommand, expands_as_the_peer_does) {
  const std::pair<const char*, const char*> rows[] = {
      {"open $IP $SRC $PKT_SRC $DST $PORT $PROTO $TIMEOUT $CLIENT_TIMEOUT",
       "open 127.0.0.2 127.0.0.2 127.0.0.1 10.0.0.1 22 6 1795216402 2"},
      {"a $FOO b $$ c$ d$IPX e$PORTS ${IP} $ip", "a FOO b  c d127.0.0.2X e22S {IP} ip"},
      {"ipset add fwknop_allow $SRC,$PROTO:$PORT timeout $CLIENT_TIMEOUT",
       "ipset add fwknop_allow 127.0.0.2,6:22 timeout 2"},
      {"", ""},
      {"$", ""},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(expand_cycle_command(text, sample_values()), wanted) << text;
}

TEST(CycleCommand, has_a_limit_instead_of_a_cut) {
  std::string text;
  for (int i = 0; i < 1366; ++i) text += "xxx";  // 4098
  EXPECT_EQ(expand_cycle_command(text, sample_values()), std::nullopt);
  EXPECT_TRUE(expand_cycle_command(text.substr(0, longest_cycle_command), sample_values()));
  EXPECT_FALSE(expand_cycle_command(text.substr(0, longest_cycle_command + 1), sample_values()));
}

TEST(CommandWords, are_split_at_white_space_and_not_interpreted) {
  const auto words = split_command("  /bin/echo a;\techo b > f\n*  '$x y' ");
  ASSERT_TRUE(words);
  EXPECT_EQ(*words, (std::vector<std::string>{"/bin/echo", "a;", "echo", "b", ">", "f", "*", "'$x", "y'"}));
}

TEST(CommandWords, number_28_at_most_and_one_at_least) {
  std::string text = "w";
  for (int i = 0; i < 27; ++i) text += " a";
  EXPECT_TRUE(split_command(text));
  EXPECT_FALSE(split_command(text + " a"));
  EXPECT_FALSE(split_command(""));
  EXPECT_FALSE(split_command(" \t"));
}

TEST(FullCommand, stands_behind_sudo_where_the_stanza_says_so) {
  Stanza stanza;
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "id");
  stanza.enable_cmd_sudo_exec = true;
  stanza.cmd_exec.group = "daemon";
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "/usr/bin/sudo id");
  stanza.cmd_sudo_exec.user = "nobody";
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "/usr/bin/sudo -u nobody id");
  stanza.cmd_sudo_exec.group = "daemon";
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "/usr/bin/sudo -u nobody -g daemon id");
  stanza.cmd_sudo_exec.user = "root";
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "/usr/bin/sudo -g daemon id");
  stanza.cmd_sudo_exec.user = "rootless";
  EXPECT_EQ(full_command(stanza, "/usr/bin/sudo", "id"), "/usr/bin/sudo -u rootless -g daemon id");
}

}  // namespace
}  // namespace latchkey::fwknopd
