// SPDX-License-Identifier: GPL-2.0-or-later
// The back-ends over a firewall that exists in memory only: grants, expiry, trouble, clocks that are stepped.
#include "fwknopd/firewall/firewall.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
constexpr std::int64_t now_s = 1795216400;

std::string without(const std::string& text, const std::string& part) { return replace_all(text, part, ""); }

/// Enough of iptables for its user: chains with rules, kept as text.
class FakeIptables final : public CommandRunner {
 public:
  CommandResult run(const Words& argv, const std::string& input) override {
    const std::string command = join({argv.begin() + 1, argv.end()});
    ++calls;
    const bool works_yet = works_before_breaking > 0;
    if (works_yet) --works_before_breaking;
    if (is_broken || (broken_calls > 0 && !works_yet)) {
      broken_calls -= broken_calls > 0 ? 1 : 0;
      return {0, 4, "out of order"};
    }
    if (agrees_always) return {};
    if (hangs) return {16, 0, "killed"};
    if (command == "-V") return {0, 0, "iptables v1.8.9 (nf_tables)"};
    if (argv[0].ends_with("-restore")) return restore_fails ? CommandResult{0, 1, "no"} : restore(input);
    const CommandResult result = act(argv);
    if (result.is_success() && command.find("-C ") == std::string::npos && command.find("-L ") == std::string::npos)
      ++changes;
    return result;
  }
  void start(const Words& argv, const std::string& input, const OnEnd& on_end) override {
    if (!starts_in_background) return on_end(run(argv, input));
    background = [this, argv, input, on_end] { on_end(run(argv, input)); };
  }
  std::vector<std::string>& chain(const std::string& name) { return chains[name]; }

  std::map<std::string, std::vector<std::string>> chains{{"INPUT", {}}};
  bool is_broken = false;
  unsigned broken_calls = 0;           ///< so many more
  unsigned works_before_breaking = 0;  ///< so many before those
  bool hangs = false;
  bool forgets_answers = false;  ///< does the work and then says that it was killed
  bool agrees_always = false;    ///< every command succeeds and does nothing: -C finds what -D has deleted
  bool starts_in_background = false;
  bool restore_fails = false;
  std::function<void()> background;  ///< what was started
  unsigned calls = 0;
  std::uint64_t changes = 0;

 private:
  /// All or nothing, as the kernel does it.
  CommandResult restore(const std::string& input) {
    const auto before = chains;
    for (const std::string_view line : split(input, '\n')) {
      Words words{"iptables", "-t", "filter"};
      for (const auto word : split(line, ' ')) words.emplace_back(word);
      if (!line.starts_with('-') || act(words).is_success()) continue;
      chains = before;
      return {0, 1, "iptables-restore: line 2 failed"};
    }
    ++changes;
    return {};
  }
  CommandResult act(const Words& argv) {
    std::string action, name;
    Words rest;
    for (std::size_t i = 1; i < argv.size(); ++i) {
      if (argv[i].size() == 2 && std::string_view("NLCAIDFX").find(argv[i][1]) != std::string_view::npos &&
          action.empty()) {
        action = argv[i];
        name = argv[++i];
      } else {
        rest.push_back(argv[i]);
      }
    }
    const auto found = chains.find(name);
    if (action == "-C" && found == chains.end()) return missing_rule();  // as iptables-nft says it
    if (action == "-N") return chains.emplace(name, std::vector<std::string>{}).second ? CommandResult{} : failed();
    if (found == chains.end()) return failed();
    auto& rules = found->second;
    if (action == "-L") return {0, 0, listing(name, rules)};
    if (action == "-F") return rules.clear(), CommandResult{};
    if (action == "-X") return chains.erase(name), CommandResult{};
    if (const auto number = parse_number<std::size_t>(rest.back(), 1, rules.size()); action == "-D" && number) {
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(*number) - 1);
      return {};
    }
    if (action == "-I" && !rest.empty() && parse_number<int>(rest.back())) rest.pop_back();
    std::erase_if(rest, [](const std::string& word) { return word == "1" || word == "--line-numbers"; });
    const std::string rule = without(join(rest), "-t filter ");
    if (rule.starts_with("-j ") && !chains.contains(rule.substr(3))) return failed();
    if (action == "-A") rules.push_back(rule);
    if (action == "-I") rules.insert(rules.begin(), rule);
    if (action == "-C") return std::ranges::find(rules, rule) == rules.end() ? missing_rule() : CommandResult{};
    if (action == "-D") {
      const auto it = std::ranges::find(rules, rule);
      if (it == rules.end()) return failed();
      rules.erase(it);
    }
    return forgets_answers ? CommandResult{16, 0, "killed"} : CommandResult{};
  }
  static CommandResult missing_rule() {
    return {0, 1, "iptables: Bad rule (does a matching rule exist in that chain?)."};
  }
  static CommandResult failed() { return {0, 1, "iptables: No chain/target/match by that name."}; }
  static std::string listing(const std::string& name, const std::vector<std::string>& rules) {
    std::string text = "Chain " + name + " (1 references)\nnum  target     prot opt source               destination\n";
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto comment = rules[i].find("--comment ");
      if (comment == std::string::npos) {
        text += std::to_string(i + 1) + "    ACCEPT     0    --  0.0.0.0/0            0.0.0.0/0\n";
        continue;
      }
      const auto words = split(rules[i], ' ');
      const auto after = [&](std::string_view key) {
        for (std::size_t k = 0; k + 1 < words.size(); ++k) {
          if (words[k] == key) return std::string(words[k + 1]);
        }
        return std::string("0");
      };
      text += std::to_string(i + 1) + "    ACCEPT     " + after("-p") + "    --  " + after("-s") +
              "   0.0.0.0/0   tcp dpt:" + after("--dport") + " /* " + after("--comment") + " */\n";
    }
    return text;
  }
};

class Journal final : public RuleJournal {
 public:
  bool opening(OpenRule& rule) override {
    if (is_full) return false;
    rule.id = ++last;
    open.insert(rule.id);
    return true;
  }
  void closed(const OpenRule& rule) override {
    open.erase(rule.id);
    is_ever_empty |= open.empty();
  }
  std::set<std::uint64_t> open;
  bool is_ever_empty = false;
  std::uint64_t last = 0;
  bool is_full = false;
};

class XtablesTest : public testing::Test {
 protected:
  XtablesTest() : clock_(from_epoch_seconds(now_s)) {
    settings_.exe = "/usr/sbin/iptables";
    settings_.input_chain = {"ACCEPT", "filter", "INPUT", 1, "FWKNOP_INPUT", 1};
    settings_.comment_check = false;
    log_.add(std::make_unique<log::MemorySink>(lines_));
    stanzas_.emplace_back();
    firewall_ = make_firewall({settings_, stanzas_, log_, clock_, iptables_, journal_});
    EXPECT_TRUE(firewall_->start(StartKind::fresh));
    lines_.clear();
  }

  void grant(unsigned host, std::int64_t life_s) {
    Grant grant;
    grant.allowed = net::IpAddress::v4(0x0a070000 + host);
    grant.services = {{Protocol::tcp, 22}};
    grant.expires_at_s = to_epoch_seconds(clock_.wall()) + life_s;
    grant.due = clock_.monotonic() + std::chrono::seconds(life_s);
    firewall_->open(stanzas_[0], grant);
  }
  std::size_t count() { return iptables_.chain("FWKNOP_INPUT").size(); }
  /// As the monitor does: expire() whenever it is due, until `span` has passed.
  void pass(std::chrono::seconds span) {
    for (const MonotonicTime end = clock_.monotonic() + span; clock_.monotonic() < end;) {
      clock_.advance(1s);
      const auto due = firewall_->next_due();
      if (due && *due <= clock_.monotonic()) firewall_->expire();
    }
  }

  FirewallSettings settings_;
  std::vector<Stanza> stanzas_;
  Lines lines_;
  log::Logger log_;
  ManualClock clock_;
  FakeIptables iptables_;
  Journal journal_;
  std::unique_ptr<Firewall> firewall_;
};

TEST_F(XtablesTest, a_start_on_a_clean_machine_takes_four_commands) {
  FakeIptables clean;
  settings_.comment_check = true;
  const auto firewall = make_firewall({settings_, stanzas_, log_, clock_, clean, journal_});
  ASSERT_TRUE(firewall->start(StartKind::fresh));
  EXPECT_EQ(clean.calls, 4U);
  EXPECT_EQ(lines_, (Lines{"Added jump rule from chain: INPUT to chain: FWKNOP_INPUT",
                           "iptables 'comment' match is available"}));
  EXPECT_EQ(clean.chain("INPUT"), Lines{"-j FWKNOP_INPUT"});
}

TEST_F(XtablesTest, without_the_chain_to_jump_from_the_comment_match_counts_as_missing) {
  FakeIptables clean;
  settings_.comment_check = true;
  settings_.input_chain.from_chain = "NOSUCH";
  const auto firewall = make_firewall({settings_, stanzas_, log_, clock_, clean, journal_});
  EXPECT_FALSE(firewall->start(StartKind::fresh));
  ASSERT_FALSE(lines_.empty());
  EXPECT_EQ(lines_.back(), "Warning: Could not use the 'comment' match");
}

TEST_F(XtablesTest, a_start_empties_the_chain_that_a_crash_left) {
  grant(1, 30);
  const auto next = make_firewall({settings_, stanzas_, log_, clock_, iptables_, journal_});
  ASSERT_TRUE(next->start(StartKind::fresh));
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(iptables_.chain("INPUT"), Lines{"-j FWKNOP_INPUT"});
}

TEST_F(XtablesTest, two_slots_may_share_a_chain) {
  FakeIptables clean;
  clean.chain("OUTPUT");
  settings_.output = true;
  settings_.output_chain = {"ACCEPT", "filter", "OUTPUT", 1, "FWKNOP_INPUT", 1};
  const auto firewall = make_firewall({settings_, stanzas_, log_, clock_, clean, journal_});
  ASSERT_TRUE(firewall->start(StartKind::fresh));
  EXPECT_EQ(clean.chain("INPUT"), Lines{"-j FWKNOP_INPUT"});
  EXPECT_EQ(clean.chain("OUTPUT"), Lines{"-j FWKNOP_INPUT"});
}

TEST_F(XtablesTest, a_rule_comes_and_goes_in_time) {
  grant(1, 30);
  EXPECT_EQ(lines_, Lines{"Added access rule to FWKNOP_INPUT for 10.7.0.1 -> 0.0.0.0/0 tcp/22, expires at 1795216430"});
  EXPECT_EQ(journal_.open.size(), 1U);
  pass(29s);
  EXPECT_EQ(count(), 1U);
  pass(1s);
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(lines_.back(), "Removed rule 1 from FWKNOP_INPUT with expire time of 1795216430");
  EXPECT_TRUE(journal_.open.empty());
  EXPECT_FALSE(firewall_->next_due());
}

TEST_F(XtablesTest, a_hundred_rules_end_together_with_the_numbers_of_the_listing) {
  for (unsigned i = 1; i <= 100; ++i) grant(i, 10);
  lines_.clear();
  pass(10s);
  ASSERT_EQ(lines_.size(), 100U);
  EXPECT_EQ(lines_[0], "Removed rule 1 from FWKNOP_INPUT with expire time of 1795216410");
  EXPECT_EQ(lines_[99], "Removed rule 100 from FWKNOP_INPUT with expire time of 1795216410");
  EXPECT_EQ(count(), 0U);
}

TEST_F(XtablesTest, a_stepped_calendar_closes_nothing_early_and_nothing_late) {
  for (const auto step : {24h, -24h}) {
    grant(1, 30);
    clock_.step_wall(step);
    firewall_->check_deeply();
    pass(29s);
    firewall_->check_deeply();
    EXPECT_EQ(count(), 1U);
    pass(1s);
    EXPECT_EQ(count(), 0U);
  }
}

TEST_F(XtablesTest, a_refused_rule_is_no_grant) {
  iptables_.is_broken = true;
  grant(1, 30);
  EXPECT_TRUE(journal_.open.empty());
  for (const std::string& line : lines_) EXPECT_FALSE(line.starts_with("Added")) << line;
  EXPECT_FALSE(firewall_->next_due());
}

TEST_F(XtablesTest, no_rule_is_made_that_the_journal_does_not_hold) {
  journal_.is_full = true;
  grant(1, 30);
  EXPECT_EQ(count(), 0U);
}

TEST_F(XtablesTest, a_rule_made_by_a_command_that_was_killed_is_removed_in_time) {
  iptables_.forgets_answers = true;
  grant(1, 30);
  iptables_.forgets_answers = false;
  EXPECT_EQ(count(), 1U);
  pass(31s);
  EXPECT_EQ(count(), 0U);
}

// Seen under load: between two looks iptables worked again, the chain was taken for deleted and its rules for gone.
TEST_F(XtablesTest, an_iptables_that_recovers_at_any_moment_leaves_no_rule_behind) {
  for (unsigned failures = 1; failures <= 8; ++failures) {
    grant(1, 5);
    iptables_.broken_calls = failures;
    pass(20s);
    EXPECT_EQ(count(), 0U) << failures;
    EXPECT_TRUE(journal_.open.empty()) << failures;
    iptables_.broken_calls = 0;
  }
}

TEST_F(XtablesTest, an_overdue_rule_is_removed_as_soon_as_the_firewall_works_again) {
  grant(1, 5);
  iptables_.is_broken = true;
  pass(20s);
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
  iptables_.is_broken = false;
  iptables_.hangs = true;
  pass(20s);
  EXPECT_EQ(journal_.open.size(), 1U);
  iptables_.hangs = false;
  pass(2s);
  EXPECT_EQ(count(), 0U);
  EXPECT_TRUE(journal_.open.empty());
}

TEST_F(XtablesTest, a_chain_that_somebody_deleted_is_made_again_and_forgotten_rules_are_no_error) {
  grant(1, 5);
  iptables_.chains.erase("FWKNOP_INPUT");
  iptables_.chain("INPUT").clear();
  lines_.clear();
  grant(2, 30);
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_[0], "Added jump rule from chain: INPUT to chain: FWKNOP_INPUT");
  lines_.clear();
  pass(10s);
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(journal_.open.size(), 1U);
}

TEST_F(XtablesTest, rules_of_others_end_by_the_calendar) {
  auto& chain = iptables_.chain("FWKNOP_INPUT");
  chain.push_back("-p 6 -s 9.9.9.9 --dport 80 -m comment --comment _exp_1795216410 -j ACCEPT");
  chain.push_back("-p 6 -s 9.9.9.9 --dport 81 -m comment --comment _exp_NNN -j ACCEPT");
  firewall_->check_deeply();
  EXPECT_EQ(firewall_->next_foreign_expiry_s(), 1795216410);
  clock_.advance(10s);
  firewall_->check_deeply();
  EXPECT_EQ(lines_.back(), "Removed rule 1 from FWKNOP_INPUT with expire time of 1795216410");
}

TEST_F(XtablesTest, what_an_earlier_process_left_is_made_again_and_ends_in_time) {
  grant(1, 30);
  grant(2, 30);
  auto left = firewall_->release();
  iptables_.chain("FWKNOP_INPUT").erase(iptables_.chain("FWKNOP_INPUT").begin());
  auto next = make_firewall({settings_, stanzas_, log_, clock_, iptables_, journal_});
  ASSERT_TRUE(next->start(StartKind::reload));
  next->restore(std::move(left));
  EXPECT_EQ(count(), 2U);
  firewall_ = std::move(next);
  pass(30s);
  EXPECT_EQ(count(), 0U);
  EXPECT_TRUE(journal_.open.empty()) << "the next start would tell of rules that have ended";
}

TEST_F(XtablesTest, the_journal_holds_a_rule_while_it_is_made_again) {
  grant(1, 30);
  auto left = firewall_->release();
  ASSERT_TRUE(firewall_->start(StartKind::fresh));
  firewall_->restore(std::move(left));
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
  EXPECT_FALSE(journal_.is_ever_empty) << "a crash here would have forgotten it";
}

TEST_F(XtablesTest, an_iptables_that_is_out_of_order_at_a_reload_loses_no_rule) {
  grant(1, 30);
  auto left = firewall_->release();
  iptables_.is_broken = true;
  firewall_->restore(std::move(left));
  iptables_.is_broken = false;
  EXPECT_EQ(journal_.open.size(), 1U);
  pass(30s);
  EXPECT_EQ(count(), 0U);
  EXPECT_TRUE(journal_.open.empty());
}

TEST_F(XtablesTest, the_end_leaves_neither_chain_nor_jump) {
  grant(1, 30);
  firewall_->stop();
  EXPECT_FALSE(iptables_.chains.contains("FWKNOP_INPUT"));
  EXPECT_TRUE(iptables_.chain("INPUT").empty());
  EXPECT_TRUE(journal_.open.empty());
}

/// With a program that removes many rules, and a kernel that tells of changes.
class RemovalTest : public XtablesTest {
 protected:
  RemovalTest() {
    firewall_->stop();
    firewall_ = make();
    EXPECT_TRUE(firewall_->start(StartKind::fresh));
  }
  std::unique_ptr<Firewall> make() {
    return make_firewall({.settings = settings_,
                          .stanzas = stanzas_,
                          .log = log_,
                          .clock = clock_,
                          .runner = iptables_,
                          .journal = journal_,
                          .count_changes = [this] { return iptables_.changes; },
                          .on_foreign_change = [this] { ++foreign_changes_; },
                          .on_removal_end = [this] { ++ends_; },
                          .restore_exe = "/usr/sbin/iptables-restore"});
  }
  void grant_three() {
    for (unsigned i = 1; i <= 3; ++i) grant(i, 10);
    lines_.clear();
    iptables_.calls = 0;
  }
  static Lines removed(std::initializer_list<int> numbers) {
    Lines lines;
    for (const int number : numbers)
      lines.push_back("Removed rule " + std::to_string(number) + " from FWKNOP_INPUT with expire time of 1795216410");
    return lines;
  }
  unsigned foreign_changes_ = 0;
  unsigned ends_ = 0;
};

TEST_F(RemovalTest, rules_that_end_together_are_removed_by_one_program) {
  grant_three();
  pass(10s);
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(iptables_.calls, 2U);  // the listing, whose numbers are told, and the removal
  EXPECT_EQ(lines_, removed({1, 2, 3}));
  EXPECT_EQ(foreign_changes_, 0U);
  EXPECT_TRUE(journal_.open.empty());
  EXPECT_EQ(ends_, 1U);
}

TEST_F(RemovalTest, a_chain_that_nobody_else_touches_is_listed_once) {
  for (const bool prepends : {false, true}) {
    settings_.rule_prepend = prepends;
    ASSERT_TRUE(firewall_->start(StartKind::fresh));
    firewall_->check_deeply();
    grant(1, 20);
    grant(2, 10);
    grant(3, 20);
    lines_.clear();
    iptables_.calls = 0;
    pass(10s);
    ASSERT_EQ(lines_.size(), 1U);
    EXPECT_TRUE(lines_[0].starts_with("Removed rule 2 ")) << lines_[0];
    lines_.clear();
    pass(10s);
    ASSERT_EQ(lines_.size(), 2U);
    EXPECT_TRUE(lines_[0].starts_with("Removed rule 1 ")) << lines_[0];
    EXPECT_EQ(iptables_.calls, 2U);
    EXPECT_EQ(count(), 0U);
  }
}

TEST_F(RemovalTest, rules_of_others_in_the_chain_are_counted) {
  firewall_->check_deeply();
  iptables_.chain("FWKNOP_INPUT").emplace_back("-p 6 -s 9.9.9.9 -j ACCEPT");
  ++iptables_.changes;
  grant(1, 10);
  grant(2, 20);
  lines_.clear();
  pass(10s);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(lines_[0].starts_with("Removed rule 2 ")) << lines_[0];
  pass(10s);
  EXPECT_EQ(count(), 1U);
}

TEST_F(RemovalTest, a_rule_of_which_nothing_is_known_is_looked_for) {
  firewall_->check_deeply();
  iptables_.hangs = true;
  grant(1, 10);
  iptables_.hangs = false;
  grant(2, 10);
  lines_.clear();
  pass(10s);
  EXPECT_EQ(lines_, removed({1}));
  EXPECT_TRUE(journal_.open.empty());
}

TEST_F(RemovalTest, a_removal_in_the_background_holds_nobody_up) {
  grant_three();
  iptables_.starts_in_background = true;
  pass(10s);
  EXPECT_EQ(count(), 3U);
  EXPECT_TRUE(firewall_->is_removing());
  EXPECT_FALSE(firewall_->next_due());
  grant(4, 10);
  EXPECT_EQ(count(), 4U);
  firewall_->expire();
  iptables_.calls = 0;
  iptables_.background();
  EXPECT_EQ(iptables_.calls, 1U);
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
  EXPECT_EQ(firewall_->next_due(), clock_.monotonic() + 10s);
  EXPECT_EQ(foreign_changes_, 0U);
  iptables_.calls = 0;
  grant(5, 10);
  EXPECT_EQ(iptables_.calls, 1U);  // chain and jump need not be looked for
}

TEST_F(RemovalTest, a_change_of_somebody_else_during_the_removal_is_noticed) {
  grant_three();
  iptables_.starts_in_background = true;
  pass(10s);
  ++iptables_.changes;
  iptables_.background();
  EXPECT_EQ(foreign_changes_, 1U);
  iptables_.calls = 0;
  grant(5, 10);
  EXPECT_EQ(iptables_.calls, 2U);  // -C for the jump
}

TEST_F(RemovalTest, a_rule_that_is_gone_does_not_keep_the_others) {
  grant_three();
  iptables_.starts_in_background = true;
  pass(10s);
  auto& chain = iptables_.chain("FWKNOP_INPUT");
  chain.erase(chain.begin());
  iptables_.background();
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(lines_, removed({1, 2}));
  EXPECT_TRUE(journal_.open.empty());
  EXPECT_FALSE(firewall_->next_due());
}

TEST_F(RemovalTest, a_removal_that_fails_is_tried_again) {
  grant_three();
  iptables_.starts_in_background = true;
  pass(10s);
  iptables_.is_broken = true;
  iptables_.background();
  EXPECT_EQ(count(), 3U);
  EXPECT_EQ(journal_.open.size(), 3U);
  iptables_.is_broken = iptables_.starts_in_background = false;
  pass(2s);
  EXPECT_EQ(count(), 0U);
  EXPECT_TRUE(journal_.open.empty());
}

TEST_F(RemovalTest, the_end_of_a_removal_does_not_reach_a_firewall_that_has_stopped) {
  grant_three();
  iptables_.starts_in_background = true;
  pass(10s);
  firewall_->stop();
  lines_.clear();
  iptables_.background();
  EXPECT_TRUE(lines_.empty());
  firewall_.reset();
  iptables_.background();
  EXPECT_EQ(ends_, 0U);
}

TEST_F(RemovalTest, a_reload_during_a_removal_loses_no_rule) {
  grant_three();
  grant(4, 30);
  iptables_.starts_in_background = true;
  pass(10s);
  auto rules = firewall_->release();
  EXPECT_EQ(rules.size(), 4U);
  auto next = make();
  ASSERT_TRUE(next->start(StartKind::reload));
  next->restore(std::move(rules));
  iptables_.background();
  firewall_ = std::move(next);
  iptables_.starts_in_background = false;
  pass(1s);
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
}

TEST_F(RemovalTest, a_reload_with_many_rules_takes_few_commands) {
  for (unsigned i = 1; i <= 300; ++i) grant(i, 30);
  auto left = firewall_->release();
  const Lines before = iptables_.chain("FWKNOP_INPUT");
  iptables_.calls = 0;
  auto next = make();
  ASSERT_TRUE(next->start(StartKind::reload));
  next->restore(std::move(left));
  EXPECT_LT(iptables_.calls, 10U);
  EXPECT_EQ(iptables_.chain("FWKNOP_INPUT"), before);
  firewall_ = std::move(next);
  pass(30s);
  EXPECT_EQ(count(), 0U);
}

TEST_F(RemovalTest, a_start_with_many_rules_takes_few_commands) {
  for (unsigned i = 1; i <= 300; ++i) grant(i, 30);
  auto left = firewall_->release();
  const Lines before = iptables_.chain("FWKNOP_INPUT");
  iptables_.calls = 0;
  auto next = make();
  ASSERT_TRUE(next->start(StartKind::fresh));
  EXPECT_EQ(count(), 0U);
  next->restore(left);
  EXPECT_LT(iptables_.calls, 20U);
  EXPECT_EQ(iptables_.chain("FWKNOP_INPUT"), before);
}

TEST_F(RemovalTest, a_reload_makes_what_is_missing_and_doubles_nothing) {
  for (unsigned i = 1; i <= 9; ++i) grant(i, 30);
  auto left = firewall_->release();
  auto& chain = iptables_.chain("FWKNOP_INPUT");
  std::ranges::sort(chain);
  const Lines before = chain;
  chain.erase(chain.begin() + 3);
  auto next = make();
  ASSERT_TRUE(next->start(StartKind::reload));
  next->restore(left);
  std::ranges::sort(chain);
  EXPECT_EQ(chain, before);
}

TEST_F(RemovalTest, an_empty_chain_is_filled_rule_by_rule_where_the_one_program_fails) {
  for (unsigned i = 1; i <= 3; ++i) grant(i, 30);
  auto left = firewall_->release();
  auto next = make();
  ASSERT_TRUE(next->start(StartKind::fresh));
  iptables_.restore_fails = true;
  next->restore(left);
  EXPECT_EQ(count(), 3U);
}

TEST_F(RemovalTest, words_with_blanks_are_left_to_iptables) {
  settings_.input_chain.to_chain = "FWKNOP;INPUT";
  ASSERT_TRUE(firewall_->start(StartKind::fresh));
  grant(1, 10);
  pass(10s);
  EXPECT_TRUE(iptables_.chain("FWKNOP;INPUT").empty());
  EXPECT_TRUE(journal_.open.empty());
}

TEST_F(XtablesTest, the_end_leaves_no_rule_when_a_command_fails_once) {
  for (unsigned call = 0; call < 4; ++call) {
    grant(1, 30);
    iptables_.works_before_breaking = call;
    iptables_.broken_calls = 1;
    firewall_->stop();
    EXPECT_TRUE(count() == 0 && iptables_.chain("INPUT").empty() && journal_.open.empty()) << call;
    ASSERT_TRUE(firewall_->start(StartKind::fresh));
    lines_.clear();
  }
}

TEST_F(XtablesTest, deleting_jumps_ends_though_check_always_finds_one) {
  iptables_.agrees_always = true;
  iptables_.calls = 0;
  firewall_->flush();
  EXPECT_LE(iptables_.calls, 2010U);
  EXPECT_EQ(lines_, Lines{"delete_all_chains() gave up: after 1000 deletions there is still a jump from chain: INPUT "
                          "to: FWKNOP_INPUT"});
}

// --- ipfw and pf: what they run, against the transcripts of 5.2 and 5.3
// -------------------------------------------------

/// Answers by the beginning of the command; writes everything down.
class Recorder final : public CommandRunner {
 public:
  CommandResult run(const Words& argv, const std::string& input) override {
    const std::string command = join({argv.begin() + 1, argv.end()});
    commands.push_back(input.empty() ? command : command + " < " + input);
    const auto answer = answers.find(command);
    return {0, 0, answer == answers.end() ? std::string() : answer->second};
  }
  Lines commands;
  std::map<std::string, std::string> answers;
};

struct OtherTest : testing::Test {
  OtherTest() : clock(from_epoch_seconds(now_s)) { log.add(std::make_unique<log::MemorySink>(lines)); }
  void start(FirewallKind kind) {
    settings.kind = kind;
    settings.exe = "/sbin/firewall";
    stanzas.emplace_back();
    firewall = make_firewall({settings, stanzas, log, clock, recorder, journal});
    ASSERT_TRUE(firewall->start(StartKind::fresh));
  }
  void grant(RequestKind kind = RequestKind::access) {
    Grant grant;
    grant.kind = kind;
    grant.allowed = net::IpAddress::v4(0x7f000002);
    grant.services = {{Protocol::tcp, 22}, {Protocol::udp, 53}};
    grant.expires_at_s = now_s + 3;
    grant.due = clock.monotonic() + 3s;
    firewall->open(stanzas[0], grant);
  }
  Lines take(Lines& from) { return std::exchange(from, {}); }

  FirewallSettings settings;
  std::vector<Stanza> stanzas;
  Lines lines;
  log::Logger log;
  ManualClock clock;
  Recorder recorder;
  Journal journal;
  std::unique_ptr<Firewall> firewall;
};

TEST_F(OtherTest, ipfw_runs_the_transcript) {
  recorder.answers["set 1 list"] = "00100 allow ip from any to any\n";
  start(FirewallKind::ipfw);
  EXPECT_EQ(take(recorder.commands), (Lines{"set 1 list", "delete set 1", "set disable 2", "-S set 2 list"}));
  EXPECT_EQ(take(lines), Lines{"Set ipfw expire set 2 to disabled."});
  grant();
  EXPECT_EQ(take(recorder.commands),
            (Lines{"add 10000 set 1 pass 6 from 127.0.0.2 to me dst-port 22 setup keep-state // _exp_1795216403",
                   "add 10001 set 1 pass 17 from 127.0.0.2 to me dst-port 53 setup keep-state // _exp_1795216403"}));
  EXPECT_EQ(take(lines), (Lines{"Added Rule 10000 for 127.0.0.2, tcp/22,udp/53 expires at 1795216403",
                                "Added Rule 10001 for 127.0.0.2, tcp/22,udp/53 expires at 1795216403"}));
  recorder.answers["set 1 list"] =
      "10000 allow tcp from 127.0.0.2 to me // _exp_1795216403\n"
      "10001 allow udp from 127.0.0.2 to me // _exp_1795216403\n";
  clock.advance(3s);
  firewall->expire();
  EXPECT_EQ(take(recorder.commands), (Lines{"set 1 list", "set move rule 10000 to 2", "set move rule 10001 to 2"}));
  EXPECT_EQ(take(lines), (Lines{"Moved rule 10000 with expire time of 1795216403 to set 2.",
                                "Moved rule 10001 with expire time of 1795216403 to set 2."}));
  recorder.answers["-d set 2 list"] =
      "10000 allow ...\n10001 allow ...\n## Dynamic rules (1 32):\n10001 5 300 STATE tcp\n";
  clock.advance(30s);
  ASSERT_TRUE(firewall->next_due() && *firewall->next_due() <= clock.monotonic());
  firewall->expire();
  EXPECT_EQ(take(recorder.commands), (Lines{"-d set 2 list", "set 2 delete 10000"}));
  EXPECT_EQ(take(lines), Lines{"Purged rule 10000 from set 2"});
  firewall->stop();
  EXPECT_EQ(take(recorder.commands), (Lines{"set 1 list", "delete set 1"}));
}

TEST_F(OtherTest, ipfw_has_a_number_for_each_rule_and_refuses_when_none_is_left) {
  settings.ipfw_max_rules = 3;
  settings.ipfw_add_check_state = true;
  settings.ipfw_start_rule = 500;
  start(FirewallKind::ipfw);
  grant();
  EXPECT_EQ(lines.back(), "Added Rule 502 for 127.0.0.2, tcp/22,udp/53 expires at 1795216403");
  grant();
  EXPECT_EQ(lines.back(), "Access request rejected: Maximum allowed number of rules has been reached.");
}

TEST_F(OtherTest, nat_is_not_supported_by_ipfw_and_pf) {
  recorder.answers["-s Anchor"] = "  fwknop\n";
  for (const FirewallKind kind : {FirewallKind::ipfw, FirewallKind::pf}) {
    start(kind);
    lines.clear();
    grant(RequestKind::forward_nat);
    grant(RequestKind::local_nat);
    EXPECT_EQ(lines, (Lines{"Forwarding/NAT requests are not currently supported.",
                            "Local NAT requests are not currently supported."}));
    EXPECT_FALSE(firewall->next_due());
  }
}

TEST_F(OtherTest, pf_runs_the_transcript_and_keeps_rules_of_others) {
  recorder.answers["-s Anchor"] = "  fwknop\n";
  start(FirewallKind::pf);
  EXPECT_EQ(take(recorder.commands), (Lines{"-s Anchor", "-a fwknop -F all"}));
  recorder.answers["-a fwknop -s rules"] = "block drop all\n";
  grant();
  EXPECT_EQ(
      take(recorder.commands),
      (Lines{"-a fwknop -s rules",
             "-a fwknop -f - < block drop all\npass in quick proto 6 from 127.0.0.2 to any port 22 keep state label "
             "_exp_1795216403\n",
             "-a fwknop -s rules",
             "-a fwknop -f - < block drop all\npass in quick proto 17 from 127.0.0.2 to any port 53 keep state label "
             "_exp_1795216403\n"}));
  EXPECT_EQ(take(lines), Lines(2, "Added Rule for 127.0.0.2, tcp/22,udp/53 expires at 1795216403"));
  recorder.answers["-a fwknop -s rules"] =
      "block drop all\npass in quick proto tcp label \"_exp_1795216403\"\npass in quick proto udp label "
      "\"_exp_1795216403\"\n";
  clock.advance(3s);
  firewall->expire();
  EXPECT_EQ(take(recorder.commands), (Lines{"-a fwknop -s rules", "-a fwknop -f - < block drop all\n"}));
  EXPECT_EQ(take(lines), Lines(2, "Deleting rule with expire time of 1795216403."));
  EXPECT_FALSE(firewall->next_due());
}

TEST_F(OtherTest, pf_does_not_start_without_its_anchor) {
  settings.kind = FirewallKind::pf;
  settings.exe = "/sbin/pfctl";
  recorder.answers["-s Anchor"] = "  other\n";
  firewall = make_firewall({settings, stanzas, log, clock, recorder, journal});
  EXPECT_FALSE(firewall->start(StartKind::fresh));
  EXPECT_EQ(lines, Lines{"Warning: the fwknop anchor is not active in the pf policy"});
}

}  // namespace
}  // namespace latchkey::fwknopd
