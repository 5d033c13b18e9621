// SPDX-License-Identifier: GPL-2.0-or-later
// Options and directives of the client's tables are in its man pages, and the other way round.
#include <gtest/gtest.h>

#include <charconv>

#include "common/cli/usage.h"
#include "common/config/directive.h"
#include "fwknop/options.h"
#include "fwknop/rc_directives.h"
#include "t/lib/man_pages.h"

namespace latchkey::fwknop {
namespace {

using testing_tools::Complaints;
using testing_tools::man_page;

TEST(ManPage, describes_the_options) {
  EXPECT_EQ(cli::check_man_page(testing_tools::in_usage_order(option_texts(), usage_text("")), man_page("fwknop.8")),
            Complaints{});
}

// Ranges stand in the table as people write them: "0-65535".
config::DirectiveText directive_text(const RcDirective& row) {
  config::DirectiveText text{.name = row.name};
  const char* const end = row.value.data() + row.value.size();
  const auto [dash, error] = std::from_chars(row.value.data(), end, text.least);
  if (error == std::errc() && dash != end && *dash == '-') std::from_chars(dash + 1, end, text.most);
  return text;
}

TEST(ManPage, describes_the_directives) {
  std::vector<config::DirectiveText> rows{{.name = "%include"}, {.name = "%include_folder"}};
  for (const RcDirective& row : rc_directives()) rows.push_back(directive_text(row));
  EXPECT_EQ(directive_text(*find_rc_directive("NAT_PORT")).most, 65535);
  EXPECT_EQ(config::check_man_page(rows, man_page("fwknoprc.5")), Complaints{});
}

}  // namespace
}  // namespace latchkey::fwknop
