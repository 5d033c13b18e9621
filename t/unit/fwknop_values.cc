// SPDX-License-Identifier: GPL-2.0-or-later
// The small parsers of the client: integers, time offsets, proxies, key files, typed keys, saved command lines.
#include <gtest/gtest.h>

#include <random>

#include "fwknop/argument_line.h"
#include "fwknop/key_file.h"
#include "fwknop/number.h"
#include "fwknop/proxy.h"
#include "fwknop/terminal.h"
#include "fwknop/time_offset.h"

namespace latchkey::fwknop {
namespace {

TEST(Integer, takes_blanks_and_a_sign_but_no_junk) {
  EXPECT_EQ(parse_integer("22", 0, 65535), 22);
  EXPECT_EQ(parse_integer(" \t+22", 0, 65535), 22);
  EXPECT_EQ(parse_integer("65535", 0, 65535), 65535);
  for (const char* text : {"", "abc", "22x", "22 ", "65536", "-1", "4294967318", "99999999999999999999"})
    EXPECT_EQ(parse_integer(text, 0, 65535), std::nullopt) << text;
}

TEST(Integer, range_error_names_the_value) {
  EXPECT_EQ(out_of_range_text("65536", 0, "65535"), "[*] Value 65536 out of range [(0)-(65535)]");
  EXPECT_EQ(out_of_range_text("-1", 0, "-1"), "[*] Value -1 out of range [(0)-(-1)]");
  EXPECT_EQ(out_of_range_text("99999999999999999999", 0, "65535"),
            "strtol: Numerical result out of range\n[*] Value -1 out of range [(0)-(65535)]");
  EXPECT_EQ(out_of_range_text("22x", 0, "65535"), "[*] Value 22x out of range [(0)-(65535)]");
}

struct OffsetCase {
  const char* text;
  std::int64_t seconds;
};

TEST(TimeOffset, units) {
  for (const OffsetCase& row : {OffsetCase{"60", 60},
                                {"60s", 60},
                                {"+60", 60},
                                {"60sec", 60},
                                {"60 Seconds", 60},
                                {"60min", 3600},
                                {"1m", 60},
                                {"10 minutes", 600},
                                {"1hour", 3600},
                                {"2H", 7200},
                                {"2days", 172800},
                                {"65536d", 5662310400},
                                {"0", 0},
                                {"00000060", 60}}) {
    const auto offset = parse_time_offset(row.text);
    ASSERT_TRUE(offset) << row.text;
    EXPECT_EQ(offset->count(), row.seconds) << row.text;
  }
}

TEST(TimeOffset, anything_else_is_refused) {
  for (const char* text :
       {"", "abc", "65537", "123456789", "5s5", "1.5h", "-5", " 5", "5 x", "5se", "5minx1", "5m m", "+-5", "++5"})
    EXPECT_FALSE(parse_time_offset(text)) << text;
}

TEST(ProxyText, host_port_and_ignored_path) {
  const auto proxy = parse_proxy("HTTP://proxy.example:8080/path");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->host, "proxy.example");
  EXPECT_EQ(proxy->port, 8080);
  EXPECT_EQ(parse_proxy("http://proxy/x")->host, "proxy");
  EXPECT_EQ(parse_proxy("proxy")->port, std::nullopt);
  for (const char* text : {"p:0", "p:65536", "p:", "https://p:80", "user:pw@p:80", "p:80x"})
    EXPECT_FALSE(parse_proxy(text)) << text;
}

TEST(HeaderText, control_characters) {
  EXPECT_FALSE(has_control_characters("Mozilla/5.0 (X11)"));
  EXPECT_TRUE(has_control_characters("a\r\nb"));
  EXPECT_TRUE(has_control_characters("a\x7f"));
}

struct KeyFileCase {
  const char* text;
  const char* server;
  const char* key;  // nullptr: none
};

TEST(KeyFile, last_matching_line_gives_the_key) {
  for (const KeyFileCase& row : {
           KeyFileCase{"127.0.0.1: a\nother: x\n", "127.0.0.1", "a"},
           {"#c\n;c\n\n =127.0.0.1:= pass word\n", "127.0.0.1", "pass word"},
           {"s: a\ns: b", "s", "b"},
           {"s:a # b; c \r\n", "s", "a # b; c \r"},
           {":k\n", "", "k"},
           {"S: a\n", "s", nullptr},
           {"s : a\n", "s", nullptr},
           {"s0: a\n", "s", nullptr},
           {"s: a\ns:  \n", "s", nullptr},
           {"", "s", nullptr},
       }) {
    const auto key = find_key(row.text, row.server);
    EXPECT_EQ(key.has_value(), row.key != nullptr) << row.text;
    if (key && row.key != nullptr) {
      EXPECT_EQ(*key, row.key);
    }
  }
}

std::string typed(std::string_view bytes, bool is_terminal, KeyLine::State& state) {
  KeyLine line(is_terminal);
  for (const char byte : bytes)
    if ((state = line.add(byte)) != KeyLine::State::open) break;
  return std::string(line.take().text());
}

TEST(TypedKey, editing) {
  KeyLine::State state{};
  EXPECT_EQ(typed("test\x08X\n", false, state), "tesX");
  EXPECT_EQ(state, KeyLine::State::complete);
  EXPECT_EQ(typed("\x08\x08"
                  "a\x15"
                  "bc\n",
                  false, state),
            "bc");
  EXPECT_EQ(typed("a\rb\n", false, state), "a\rb");
  EXPECT_EQ(typed("a\x7f"
                  "b\n",
                  false, state),
            "a\x7f"
            "b");
  EXPECT_EQ(typed("a\x7f"
                  "b\n",
                  true, state),
            "b");
  EXPECT_EQ(typed(std::string(200, 'k') + "\n", false, state), std::string(127, 'k'));
}

TEST(TypedKey, interrupt_empties_a_line_and_ends_a_prompt) {
  KeyLine::State state{};
  EXPECT_EQ(typed("test\x03X\n", false, state), "");
  EXPECT_EQ(state, KeyLine::State::complete);
  EXPECT_EQ(typed("test\x03X\n", true, state), "");
  EXPECT_EQ(state, KeyLine::State::interrupted);
}

using Words = std::vector<std::string>;

TEST(ArgumentLine, plain_words_are_written_as_the_peer_writes_them) {
  EXPECT_EQ(format_argument_line({"fwknop", "-A", "tcp/22"}), "fwknop -A tcp/22 \n");
  EXPECT_EQ(parse_argument_line("fwknop   -T -A tcp/22\t-a 1.1.1.1\n"),
            (Words{"fwknop", "-T", "-A", "tcp/22", "-a", "1.1.1.1"}));
  EXPECT_EQ(parse_argument_line("  \n"), Words{});
  // Old files know no quotes.
  EXPECT_EQ(parse_argument_line("x 'a b' a\"b \"c"), (Words{"x", "'a", "b'", "a\"b", "\"c"}));
}

TEST(ArgumentLine, any_words_come_back) {
  const Words words{"fwknop", "", "a b", "\"", "\\", "a\\nb c", "line\nbreak", "tab\t", "\"quoted\"", "'", "$x"};
  EXPECT_EQ(parse_argument_line(format_argument_line(words)), words);
  std::mt19937 engine(7);
  const std::string alphabet = "ab \t\n\"\\n'";
  for (int round = 0; round < 2000; ++round) {
    Words random(engine() % 5 + 1);
    for (std::string& word : random)
      for (std::size_t i = engine() % 6; i > 0; --i) word += alphabet[engine() % alphabet.size()];
    const std::string line = format_argument_line(random);
    EXPECT_EQ(parse_argument_line(line), random);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
  }
}

}  // namespace
}  // namespace latchkey::fwknop
