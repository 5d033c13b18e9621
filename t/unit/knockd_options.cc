// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's command line: what is cut, what wins (spec/knockd.md 1).
#include "knockd/options.h"

#include <gtest/gtest.h>

#include "common/cli/scan.h"
#include "knockd/monitor.h"

namespace latchkey::knockd {
namespace {

Options parse(std::vector<std::string> words) {
  std::string name = "knockd";
  std::vector<char*> arguments{name.data()};
  for (std::string& word : words) arguments.push_back(word.data());
  Options options;
  EXPECT_NE(cli::parse_options(arguments, option_table(), options).kind, cli::Outcome::Kind::bad_option);
  return options;
}

TEST(KnockdOptions, keep_so_much_of_a_value) {
  EXPECT_EQ(parse({"-i", std::string(40, 'x')}).interface, std::string(31, 'x'));
  EXPECT_EQ(parse({"-i", std::string(30, 'x') + "\u00fc"}).interface, std::string(30, 'x')) << "no half characters";
  const std::string list = "interface-number-one,interface-number-two";
  EXPECT_EQ(parse({"-i", list}).interface, list);
  for (const char* option : {"-c", "-p", "-g"}) {
    const Options options = parse({option, std::string(5000, '/')});
    EXPECT_EQ(std::max({options.config_path.size(), options.pid_file.size(), options.log_file.size()}), 4095U)
        << option;
  }
}

TEST(KnockdOptions, of_one_kind_the_last_wins) {
  const Options options = parse({"-vD", "-c", "a", "word", "--config=b", "-4l", "--", "-d"});
  EXPECT_EQ(options.config_path, "b");
  EXPECT_TRUE(options.is_verbose && options.is_debug && options.only_v4 && options.looks_up_names);
  EXPECT_FALSE(options.is_daemon) << "an operand";
}

std::vector<std::string> choose(const char* option, const std::vector<std::string>& suite,
                                const std::optional<std::string>& directive) {
  Options options;
  options.interface = option;
  config::SuiteSettings settings;
  settings.knockd_interfaces = suite;
  Config config;
  config.interface = directive;
  return choose_interfaces(options, settings, config);
}

TEST(KnockdOptions, choose_the_interfaces_before_the_files) {
  using List = std::vector<std::string>;
  EXPECT_EQ(choose("a", {"b"}, "c"), List{"a"});
  EXPECT_EQ(choose("", {"b", "c"}, "d"), (List{"b", "c"}));
  EXPECT_EQ(choose("", {}, "c , d,"), (List{"c", "d"}));
  EXPECT_EQ(choose("", {}, ""), List{"eth0"});
  EXPECT_EQ(choose("", {}, std::nullopt), List{"eth0"});
}

}  // namespace
}  // namespace latchkey::knockd
