// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of fwknopd agree with its man pages, and with themselves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

#include "common/cli/usage.h"
#include "common/config/directive.h"
#include "common/config/suite.h"
#include "fwknopd/config/access_file.h"
#include "fwknopd/config/access_table.h"
#include "fwknopd/config/command_line.h"
#include "fwknopd/config/conf_table.h"
#include "t/lib/man_pages.h"

namespace latchkey::fwknopd {
namespace {

using testing_tools::Complaints;
using testing_tools::man_page;

TEST(ManPages, fwknopd_has_every_option) {
  EXPECT_EQ(cli::check_man_page(testing_tools::in_usage_order(option_texts(), usage_text()), man_page("fwknopd.8")),
            Complaints{});
}

TEST(ManPages, fwknopd_conf_has_every_keyword_and_default) {
  std::vector<config::DirectiveText> texts{{.name = "%include"}, {.name = "%include_folder"}};
  for (const ConfRow& row : conf_rows()) {
    texts.push_back(row.text);
    // Paths are those of Debian in the page.
    if (row.text.kind == config::ValueKind::path) texts.back().fallback = {};
  }
  EXPECT_EQ(config::check_man_page(texts, man_page("fwknopd.conf.5")), Complaints{});
}

TEST(ManPages, access_conf_has_every_keyword_and_default) {
  std::vector<config::DirectiveText> texts;
  for (const AccessRow& row : access_rows()) texts.push_back(row.text);
  EXPECT_EQ(config::check_man_page(texts, man_page("access.conf.5")), Complaints{});
}

// The settings of a page's section are its `.B KEY` tags.
TEST(ManPages, latchkey_conf_has_every_key) {
  std::set<std::string> described;
  std::string section;
  bool is_tag = false;
  std::istringstream text(man_page("latchkey.conf.5"));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(".SS [")) section = line.substr(5, line.find(']') - 5);
    if (is_tag && line.starts_with(".B ")) described.insert(section + "." + line.substr(3));
    is_tag = line == ".TP";
  }
  std::set<std::string> known;
  for (const config::DirectiveText& row : config::suite_directives()) known.emplace(row.name);
  EXPECT_EQ(described, known);
}

// The lines between .EX and .EE.
std::string example(const std::string& name) {
  const std::string text = man_page(name);
  const std::size_t begin = text.find(".EX\n");
  return begin == std::string::npos ? "" : text.substr(begin + 4, text.find("\n.EE", begin) - begin - 3);
}

std::string put(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "pages" + std::to_string(::getpid()) + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ManPages, the_examples_work) {
  Settings settings;
  settings.access_file = put("access.conf", example("access.conf.5"));
  log::Logger log;
  Report report(log, Report::Mode::running);
  const auto stanzas = read_access(settings, report);
  ASSERT_TRUE(stanzas);
  EXPECT_EQ(stanzas->at(0).key->size(), 32u);
  EXPECT_EQ(stanzas->at(0).fw_access_timeout, std::chrono::seconds(60));
  ::unlink(settings.access_file.c_str());

  const std::string suite = put("latchkey.conf", example("latchkey.conf.5"));
  EXPECT_EQ(config::load_suite_settings(suite, true)->knockd_interfaces.size(), 2u);
  ::unlink(suite.c_str());
}

TEST(Tables, every_default_is_in_its_range) {
  for (const ConfRow& row : conf_rows()) {
    if (row.text.kind != config::ValueKind::number || row.text.fallback.empty()) continue;
    EXPECT_TRUE(config::parse_strict_number(row.text.fallback, row.text.least, row.text.most)) << row.text.name;
  }
}

TEST(Tables, every_number_has_its_turn_in_the_checks) {
  std::size_t numbers = 0;
  for (const ConfRow& row : conf_rows()) numbers += row.text.kind == config::ValueKind::number ? 1 : 0;
  EXPECT_EQ(numbers, integer_check_order().size());
  for (const std::string_view name : integer_check_order()) EXPECT_NO_THROW(conf_row(name)) << name;
}

}  // namespace
}  // namespace latchkey::fwknopd
