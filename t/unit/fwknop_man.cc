// SPDX-License-Identifier: GPL-2.0-or-later
// Options and directives of the client's tables are in its man pages, and the other way round.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/cli/usage.h"
#include "common/config/directive.h"
#include "fwknop/options.h"
#include "fwknop/rc_directives.h"

namespace latchkey::fwknop {
namespace {

std::string page(const std::string& name) {
  const char* source = std::getenv("LATCHKEY_SOURCE");
  std::stringstream text;
  text << std::ifstream(std::string(source != nullptr ? source : "..") + "/man/" + name).rdbuf();
  return text.str();
}

TEST(ManPage, describes_the_options) {
  EXPECT_EQ(cli::check_man_page(option_texts(), page("fwknop.8")), std::vector<std::string>{});
}

TEST(ManPage, describes_the_directives) {
  std::vector<config::DirectiveText> rows{{.name = "%include"}, {.name = "%include_folder"}};
  for (const RcDirective& row : rc_directives()) rows.push_back({.name = row.name});
  EXPECT_EQ(config::check_man_page(rows, page("fwknoprc.5")), std::vector<std::string>{});
}

}  // namespace
}  // namespace latchkey::fwknop
