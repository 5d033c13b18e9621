// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of fwknopd agree with its man pages, and with themselves.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "common/cli/usage.h"
#include "common/config/directive.h"
#include "fwknopd/config/access_table.h"
#include "fwknopd/config/command_line.h"
#include "fwknopd/config/conf_table.h"

namespace latchkey::fwknopd {
namespace {

using Complaints = std::vector<std::string>;

std::string page(const std::string& name) {
  const char* const source = ::getenv("LATCHKEY_SOURCE");
  std::ifstream file(std::string(source == nullptr ? ".." : source) + "/man/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ManPages, fwknopd_has_every_option) {
  EXPECT_EQ(cli::check_man_page(option_texts(), page("fwknopd.8")), Complaints{});
}

TEST(ManPages, fwknopd_conf_has_every_keyword_and_default) {
  std::vector<config::DirectiveText> texts{{.name = "%include"}, {.name = "%include_folder"}};
  for (const ConfRow& row : conf_rows()) {
    texts.push_back(row.text);
    // Paths are those of Debian in the page.
    if (row.text.kind == config::ValueKind::path) texts.back().fallback = {};
  }
  EXPECT_EQ(config::check_man_page(texts, page("fwknopd.conf.5")), Complaints{});
}

TEST(ManPages, access_conf_has_every_keyword_and_default) {
  std::vector<config::DirectiveText> texts;
  for (const AccessRow& row : access_rows()) texts.push_back(row.text);
  EXPECT_EQ(config::check_man_page(texts, page("access.conf.5")), Complaints{});
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
  for (const std::string_view name : integer_check_order()) EXPECT_TRUE(find_conf_row(name)) << name;
}

}  // namespace
}  // namespace latchkey::fwknopd
