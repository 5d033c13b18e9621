// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's tables of options and directives agree with its man pages; the usage text is the peer's, with ours behind.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/cli/usage.h"
#include "knockd/directives.h"
#include "knockd/matcher.h"
#include "knockd/options.h"
#include "knockd/workers.h"
#include "t/lib/man_pages.h"

namespace latchkey::knockd {
namespace {

using testing_tools::Complaints;
using testing_tools::man_page;

TEST(KnockdManPages, have_every_option) {
  EXPECT_EQ(cli::check_man_page(cli::texts_of(option_table()), man_page("knockd.1")), Complaints{});
}

// The check knows keywords by their capitals; knockd.conf does not mind, and its page is more readable without.
TEST(KnockdManPages, have_every_directive_and_default) {
  std::string text;
  bool is_tag = false;
  const std::string original = man_page("knockd.conf.5");
  for (const std::string_view line : split(original, '\n')) {
    text += (is_tag ? ".B " + to_upper(split(line.substr(std::min<std::size_t>(3, line.size())), ' ')[0])
                    : std::string(line)) +
            "\n";
    is_tag = line == ".TP";
  }
  std::vector<std::string> names{"%INCLUDE", "%INCLUDE_FOLDER"};
  for (const config::DirectiveText& row : directive_texts()) names.push_back(to_upper(row.name));
  std::vector<config::DirectiveText> rows{{}, {}};
  for (const config::DirectiveText& row : directive_texts()) rows.push_back(row);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = names[i];
  EXPECT_EQ(config::check_man_page(rows, text), Complaints{});
}

TEST(KnockdManPages, have_every_limit) {
  const std::string page = man_page("knockd.1");
  const WorkerLimits workers;
  const MatcherOptions matcher;
  for (const std::string& claim :
       {fmt::format("\nKnocks in progress: {};", matcher.max_attempts),
        fmt::format("\nkeeps out: {}.", matcher.max_cooldowns),
        fmt::format("\nCommands that run at a time: {};", workers.max_running),
        fmt::format("\nStop commands may be {} more", workers.max_with_stops - workers.max_running),
        fmt::format("\nOpenings that wait for their stop command: {}.", workers.max_workers)})
    EXPECT_NE(page.find(claim), std::string::npos) << claim;
}

TEST(KnockdUsage, begins_as_the_peers) {
  EXPECT_TRUE(
      usage_text().starts_with("usage: knockd [options]\noptions:\n"
                               "  -i, --interface <int>  network interface to listen on (default \"eth0\")\n"
                               "  -d, --daemon           run as a daemon\n"
                               "  -c, --config <file>    use an alternate config file\n"
                               "  -D, --debug            output debug messages\n"
                               "  -l, --lookup           lookup DNS names (may be a security risk)\n"
                               "  -p, --pidfile          use an alternate pidfile\n"
                               "  -g, --logfile          use an alternate logfile\n"
                               "  -v, --verbose          be verbose\n"
                               "  -4, --only-ip-v4       do not track ipv6\n"
                               "  -V, --version          display version\n"
                               "  -h, --help             this help\n"))
      << usage_text();
  EXPECT_TRUE(usage_text().ends_with("\n\n"));
}

}  // namespace
}  // namespace latchkey::knockd
