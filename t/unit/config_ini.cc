// SPDX-License-Identifier: GPL-2.0-or-later
// iniparser behind IniFile, latchkey.conf on top of it, and directive tables.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "common/config/directive.h"
#include "common/config/ini_file.h"
#include "common/config/suite.h"

namespace latchkey::config {
namespace {

TEST(IniFile, keeps_order_and_values) {
  const auto file = IniFile::load("[B]\nz = 1\na = v:%20x\n[a]\n[b]\nk = \"q\" ; c\n", "x.conf");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->entries().size(), 3u);
  EXPECT_EQ(file->entries()[0].section, "b");
  EXPECT_EQ(file->entries()[0].key, "z");
  EXPECT_EQ(file->entries()[1].value, "v:%20x");
  EXPECT_EQ(file->sections(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(file->get("b", "k"), "q");
  EXPECT_FALSE(file->get("b", "nope"));
}

TEST(IniFile, reports_what_iniparser_says_under_the_given_name) {
  const auto file = IniFile::load("[a]\nbare\n", "/etc/x.conf");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().text.find("syntax error in /etc/x.conf (2)"), std::string::npos) << file.error().text;
  EXPECT_FALSE(IniFile::load("[a]\nk=" + std::string(2000, 'x') + "\n", "x"));
}

TEST(IniFile, empty_text_and_a_large_one) {
  EXPECT_TRUE(IniFile::load("", "x")->entries().empty());
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "[s" + std::to_string(i) + "]\na=1\nb=2\nc=3\n";
  EXPECT_EQ(IniFile::load(text, "x")->entries().size(), 6000u);
}

class Suite : public testing::Test {
 protected:
  ~Suite() override { ::unlink(path_.c_str()); }
  Result<SuiteSettings> load(const std::string& text) const {
    std::ofstream(path_) << text;
    return load_suite_settings(path_, true);
  }
  std::string path_ = testing::TempDir() + "suite" + std::to_string(::getpid()) + ".conf";
};

TEST_F(Suite, reads_its_rows) {
  const auto settings = load("[sandbox]\nuser = _latchkey\nenable = no\n[knockd]\ninterface = eth0, wg0\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->sandbox_user, "_latchkey");
  EXPECT_FALSE(settings->sandbox_enable);
  EXPECT_EQ(settings->knockd_interfaces, (std::vector<std::string>{"eth0", "wg0"}));
}

TEST_F(Suite, missing_file_is_the_default_unless_named) {
  EXPECT_TRUE(load_suite_settings(path_, false)->sandbox_enable);
  EXPECT_EQ(load_suite_settings(path_, true).error().text, path_ + ": No such file or directory");
}

TEST_F(Suite, refuses_what_it_does_not_know) {
  EXPECT_EQ(load("[sandbox]\nusr = x\n").error().text, path_ + ": unknown setting 'usr' in section [sandbox]");
  EXPECT_EQ(load("[sandbox]\nenable = maybe\n").error().text,
            path_ + ": 'enable' of section [sandbox] is neither yes nor no: 'maybe'");
  EXPECT_FALSE(load("[knockd]\ninterface = a,,b\n"));
}

TEST(StrictNumber, follows_the_s_rule) {
  EXPECT_EQ(parse_strict_number("30 # seconds", 0, 100), 30);
  for (const char* bad : {"", "abc", "12x", "4294967297", "-1", "+1", "30 x", " 3"})
    EXPECT_FALSE(parse_strict_number(bad, 0, 100)) << bad;
}

TEST(DirectiveManPage, complaints) {
  const std::array<DirectiveText, 3> table{
      {{.name = "A_ONE", .fallback = "Y"}, {.name = "%include"}, {.name = "B_TWO"}}};
  EXPECT_TRUE(
      check_man_page(
          table,
          ".TP\n.BI A_ONE \" yes\"\nText.\nDefault: Y.\n.TP\n\\fB%include\\fR file\n.TP\n.B B_TWO\n.TP\nplain words\n")
          .empty());
  const auto complaints = check_man_page(table, ".TP\n.B A_ONE\nDefault: N.\n.TP\n.B NO_SUCH\n.TP\n.B %include\n");
  EXPECT_EQ(complaints, (std::vector<std::string>{"the page gives A_ONE the default 'N', not 'Y'",
                                                  "the page does not describe B_TWO",
                                                  "the page describes NO_SUCH, which does not exist"}));
}

}  // namespace
}  // namespace latchkey::config
