// SPDX-License-Identifier: GPL-2.0-or-later
// Option tables: getopt's texts, order, abbreviations, extensions; usage text, completion, man-page check.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/cli/completion.h"
#include "common/cli/scan.h"
#include "common/cli/usage.h"

namespace latchkey::cli {
namespace {

struct Knobs {
  std::string interface;
  std::vector<std::string> order;
};

constexpr auto
    table =
        std::to_array<Option<Knobs>>(
            {
                {{.name = "interface",
                  .letter = 'i',
                  .argument = Argument::required,
                  .placeholder = "<int>",
                  .help = "where to listen"},
                 [](Knobs& knobs, std::string_view value) -> std::optional<int> {
                   knobs.interface = value;
                   knobs.order.emplace_back("i");
                   return {};
                 }},
                {{.name = "sudo-exe", .argument = Argument::required, .help = "two\nlines"},
                 [](Knobs& knobs, std::string_view value) -> std::optional<int> {
                   knobs.order.push_back("sudo=" + std::string(value));
                   return {};
                 }},
                {{.name = "spoof-source", .letter = 'Q', .help = "x"},
                 [](Knobs& knobs, std::string_view) -> std::optional<int> {
                   knobs.order.emplace_back("Q");
                   return {};
                 }},
                {{.name = "spoof-src", .same_as = "spoof-source"}},
                {{.name = "verbose", .letter = 'v', .help = "v"},
                 [](Knobs& knobs, std::string_view) -> std::optional<int> {
                   knobs.order.emplace_back("v");
                   return {};
                 }},
                {{.name = "version", .letter = 'V', .help = "V"},
                 [](Knobs&, std::string_view) { return std::optional<int>(0); }},
                {{.name = "suite-conf", .argument = Argument::required, .help = "ours", .is_extension = true},
                 [](Knobs& knobs, std::string_view value) -> std::optional<int> {
                   knobs.order.push_back("suite=" + std::string(value));
                   return {};
                 }},
            });
static_assert(is_consistent(table));

struct Ended {
  Outcome outcome;
  Knobs knobs;
  std::string errors;
};

Ended run(std::vector<std::string> words) {
  static std::vector<std::string> kept;  // operands are views into the words
  kept = std::move(words);
  kept.insert(kept.begin(), "./prog");
  std::vector<char*> argv;
  for (std::string& word : kept) argv.push_back(word.data());
  Ended result;
  testing::internal::CaptureStderr();
  result.outcome = parse_options<Knobs>(argv, table, result.knobs);
  result.errors = testing::internal::GetCapturedStderr();
  return result;
}

using Order = std::vector<std::string>;

TEST(Options, act_in_order_and_permute) {
  const Ended r = run({"one", "-vi", "eth0", "two", "--", "-v"});
  EXPECT_EQ(r.outcome.kind, Outcome::Kind::complete);
  EXPECT_EQ(r.knobs.order, (Order{"v", "i"}));
  EXPECT_EQ(r.knobs.interface, "eth0");
  EXPECT_EQ(r.outcome.operands, (std::vector<std::string_view>{"one", "two", "-v"}));
}

TEST(Options, stop_at_an_immediate_action) {
  const Ended r = run({"-v", "-V", "--bogus"});
  EXPECT_EQ(r.outcome.kind, Outcome::Kind::stopped);
  EXPECT_EQ(r.knobs.order, (Order{"v"}));
  EXPECT_EQ(r.errors, "");
}

TEST(Options, print_getopts_own_texts_with_the_name_as_invoked) {
  struct Row {
    Order words;
    const char* text;
  };
  const std::vector<Row> rows{
      {{"--bogus"}, "./prog: unrecognized option '--bogus'\n"},
      {{"-Z"}, "./prog: invalid option -- 'Z'\n"},
      {{"-i"}, "./prog: option requires an argument -- 'i'\n"},
      {{"--int"}, "./prog: option '--interface' requires an argument\n"},
      {{"--verbose=1"}, "./prog: option '--verbose' doesn't allow an argument\n"},
      {{"--ver"}, "./prog: option '--ver' is ambiguous; possibilities: '--verbose' '--version'\n"},
      {{"--s"}, "./prog: option '--s' is ambiguous; possibilities: '--sudo-exe' '--spoof-source' '--spoof-src'\n"},
  };
  for (const Row& row : rows) {
    const Ended r = run(row.words);
    EXPECT_EQ(r.outcome.kind, Outcome::Kind::bad_option) << row.text;
    EXPECT_EQ(r.errors, row.text);
  }
}

TEST(Options, abbreviations_that_fit_only_synonyms_are_fine) {
  EXPECT_EQ(run({"--spoof"}).knobs.order, (Order{"Q"}));
  EXPECT_EQ(run({"--spoof-src"}).knobs.order, (Order{"Q"}));
}

TEST(Options, an_extension_takes_no_abbreviation_from_the_peers_options) {
  EXPECT_EQ(run({"--su", "/x", "--suite-conf", "/y"}).knobs.order, (Order{"sudo=/x", "suite=/y"}));
  EXPECT_EQ(run({"a", "--sui=/y", "b", "--su=/x"}).knobs.order, (Order{"suite=/y", "sudo=/x"}));
}

TEST(Options, can_be_scanned_again) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run({"x", "-vv"}).knobs.order, (Order{"v", "v"}));
}

TEST(Options, empty_command_line) { EXPECT_EQ(run({}).outcome.kind, Outcome::Kind::complete); }

std::vector<OptionText> texts() { return texts_of<Knobs>(table); }

TEST(Usage, columns_placeholders_and_lines) {
  EXPECT_EQ(format_usage(texts(), {.help_column = 25}),
            "  -i, --interface <int>  where to listen\n"
            "      --sudo-exe         two\n"
            "                         lines\n"
            "  -Q, --spoof-source     x\n"
            "  -v, --verbose          v\n"
            "  -V, --version          V\n"
            "      --suite-conf       ours\n");
}

TEST(Usage, may_have_its_own_order_and_marks) {
  const std::array<std::string_view, 2> order{"verbose", "sudo-exe"};
  EXPECT_EQ(
      format_usage(texts(), {.names_column = 1, .long_only_column = 5, .help_column = 12, .help_mark = "- "}, order),
      " -v, --verbose - v\n"
      "     --sudo-exe - two\n"
      "              lines\n");
}

TEST(ManPage, complaints) {
  const char* good =
      ".TP\n.BR \\-i \", \" \\-\\-interface \" \" \\fIname\\fR\nText --nothing\n.TP\n\\fB\\-\\-sudo\\-exe\\fR\n"
      ".TP\n.BR \\-Q \", \" \\-\\-spoof\\-source \", \" \\-\\-spoof\\-src\n.TP\n.BR \\-v \", \" \\-\\-verbose\n"
      ".TP\n.BR \\-V \", \" \\-\\-version\n.TP\n.B \\-\\-suite\\-conf\nx\n";
  EXPECT_EQ(check_man_page(texts(), good), std::vector<std::string>{});
  const char* bad = ".TP\n.B \\-\\-nosuch\n.TP\n.BR \\-v , \\-\\-version\n";
  const auto complaints = check_man_page(texts(), bad);
  EXPECT_EQ(complaints.at(0), "the page describes --nosuch, which does not exist");
  EXPECT_EQ(complaints.at(1), "the page gives --version the letter of --verbose");
  EXPECT_NE(std::ranges::find(complaints, "the page does not describe -i"), complaints.end());
}

TEST(Completion, knows_what_an_argument_is) {
  EXPECT_EQ(argument_kind({.name = "interface"}), ArgumentKind::interface);
  EXPECT_EQ(argument_kind({.name = "sudo-exe"}), ArgumentKind::file);
  EXPECT_EQ(argument_kind({.name = "gpg-home-dir"}), ArgumentKind::folder);
  EXPECT_EQ(argument_kind({.name = "x", .placeholder = "<folder>"}), ArgumentKind::folder);
  EXPECT_EQ(argument_kind({.name = "server-port", .placeholder = "<port>"}), ArgumentKind::other);
}

TEST(Completion, quotes_what_shells_would_read) {
  const std::array<OptionText, 1> proxy{{{.name = "proxy",
                                          .letter = 'H',
                                          .argument = Argument::required,
                                          .placeholder = "<host:port>",
                                          .help = "It's [host][:port]."}}};
  EXPECT_NE(format_zsh_completion("p", proxy)
                .find("'(-H --proxy)'{-H+,--proxy=}'[It'\\''s \\[host\\]\\[\\:port\\]]:host\\:port:'"),
            std::string::npos)
      << format_zsh_completion("p", proxy);
  EXPECT_NE(format_fish_completion("p", proxy).find("complete -c p -s H -l proxy -x -d 'It\\'s [host][:port]'"),
            std::string::npos);
}

TEST(Presence, what_was_left_out_is_unknown_except_to_the_man_page) {
  const auto rows = [](Presence presence) {
    return std::vector<OptionText>{{.name = "verbose", .letter = 'v', .help = "v"},
                                   {.name = "nfq", .letter = 'n', .help = "n", .presence = presence}};
  };
  const auto first_match = [&](Presence presence, std::string word) {
    std::string name = "program";
    std::vector<char*> argv{name.data(), word.data()};
    return Scanner(argv, rows(presence), false).next();
  };
  for (const char* word : {"-n", "--nfq", "--nf"}) {
    EXPECT_EQ(first_match(Presence::optional, word).row, 1u) << word;
    EXPECT_EQ(first_match(Presence::left_out, word).kind, Match::Kind::error) << word;
  }
  EXPECT_NE(format_usage(rows(Presence::optional), {}).find("--nfq"), std::string::npos);
  EXPECT_EQ(format_usage(rows(Presence::left_out), {}).find("--nfq"), std::string::npos);
  EXPECT_EQ(format_bash_completion("p", rows(Presence::optional)),
            format_bash_completion("p", rows(Presence::left_out)));
  for (const Presence presence : {Presence::optional, Presence::left_out}) {
    EXPECT_EQ(check_man_page(rows(presence), ".TP\n\\-v, \\-\\-verbose\n").size(), 2u);
  }
}

}  // namespace
}  // namespace latchkey::cli
