// SPDX-License-Identifier: GPL-2.0-or-later
// ipfw and pf in memory: what is open survives reloads, crashes and commands that were killed, and ends in time.
#include "fwknopd/firewall/tracking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
constexpr std::int64_t now_s = 1795216400;

std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// A firewall that can be out of order, or say that it was killed after it has done its work.
class Fake : public CommandRunner {
 public:
  CommandResult run(const Words& argv, const std::string& input) override {
    if (is_broken) return {0, 4, "out of order"};
    const CommandResult result = act({argv.begin() + 1, argv.end()}, input);
    const bool only_looks = argv.back() == "list" || argv.back() == "rules" || argv.back() == "Anchor";
    return forgets_answers && !only_looks ? CommandResult{16, 0, "killed"} : result;
  }
  /// What lets packets in.
  virtual Lines& open_rules() = 0;

  bool is_broken = false;
  bool forgets_answers = false;

 private:
  virtual CommandResult act(const Words& words, const std::string& input) = 0;
};

/// Rules by set, each with its number in front.
class FakeIpfw final : public Fake {
 public:
  Lines& open_rules() override { return sets_["1"]; }

 private:
  static bool has_number(const std::string& rule, const std::string& number) { return rule.starts_with(number + " "); }
  CommandResult act(const Words& words, const std::string&) override {
    const std::string command = join(words);
    if (words[0] == "add") {
      sets_[words[3]].push_back(words[1] + " " + join({words.begin() + 4, words.end()}));
    } else if (words[0] == "delete") {
      sets_.erase(words[2]);
    } else if (command.starts_with("set move rule ")) {
      Lines& from = open_rules();
      const auto moved =
          std::partition(from.begin(), from.end(), [&](const auto& rule) { return !has_number(rule, words[3]); });
      if (moved == from.end()) return {0, 64, "ipfw: rule not found"};
      sets_[words[5]].insert(sets_[words[5]].end(), moved, from.end());
      from.erase(moved, from.end());
    } else if (words.size() == 4 && words[2] == "delete") {
      std::erase_if(sets_[words[1]], [&](const auto& rule) { return has_number(rule, words[3]); });
    } else if (command.ends_with(" list")) {
      std::string text = text_of(sets_[words[words.size() - 2]]);
      if (words[0] == "-S") text = replace_all(text, "1000", "# DISABLED 1000");
      return {0, 0, words[0] == "-d" ? text + "## Dynamic rules (0 0):\n" : text};
    }
    return {};
  }
  std::map<std::string, Lines> sets_;
};

/// One anchor. pfctl writes rules in other words than it has read.
class FakePf final : public Fake {
 public:
  Lines& open_rules() override { return rules_; }

 private:
  CommandResult act(const Words& words, const std::string& input) override {
    const std::string command = join(words);
    if (command == "-s Anchor") return {0, 0, "  fwknop\n"};
    if (command == "-a fwknop -s rules") return {0, 0, text_of(rules_)};
    rules_.clear();
    for (const auto line : lines_of(input))
      rules_.push_back(replace_all(replace_all(std::string(line), "proto 6 ", "proto tcp "), " port ", " port = "));
    return {};
  }
  Lines rules_;
};

class Journal final : public RuleJournal {
 public:
  bool opening(OpenRule& rule) override {
    rule.id = ++last_;
    open.emplace(rule.id, rule);
    return true;
  }
  void closed(const OpenRule& rule) override {
    open.erase(rule.id);
    least = std::min(least, open.size());
  }
  /// As a process finds it after a crash of the one before.
  std::vector<OpenRule> left() const {
    std::vector<OpenRule> rules;
    for (const auto& [id, rule] : open) rules.push_back(rule);
    return rules;
  }
  std::map<std::uint64_t, OpenRule> open;
  std::size_t least = 1000;  ///< so few were open

 private:
  std::uint64_t last_ = 0;
};

class TrackingTest : public testing::TestWithParam<FirewallKind> {
 protected:
  TrackingTest() : clock_(from_epoch_seconds(now_s)) {
    settings_.kind = GetParam();
    settings_.exe = "/sbin/firewall";
    stanzas_.emplace_back();
    log_.add(std::make_unique<log::MemorySink>(lines_));
    if (is_ipfw()) {
      fake_ = std::make_unique<FakeIpfw>();
    } else {
      fake_ = std::make_unique<FakePf>();
    }
    start(StartKind::fresh);
  }
  static bool is_ipfw() { return GetParam() == FirewallKind::ipfw; }
  void start(StartKind kind) {
    firewall_ = make_firewall({settings_, stanzas_, log_, clock_, *fake_, journal_});
    ASSERT_TRUE(firewall_->start(kind));
    lines_.clear();
  }
  void restart(StartKind kind, std::vector<OpenRule> rules) {
    start(kind);
    firewall_->restore(std::move(rules));
  }
  void reload() { restart(StartKind::reload, firewall_->release()); }
  void grant(std::uint16_t port, std::chrono::seconds life) {
    Grant grant;
    grant.allowed = net::IpAddress::v4(0x0a070001);
    grant.services = {{Protocol::tcp, port}};
    grant.expires_at_s = to_epoch_seconds(clock_.wall()) + life.count();
    grant.due = clock_.monotonic() + life;
    firewall_->open(stanzas_[0], grant);
  }
  Lines& open_rules() { return fake_->open_rules(); }
  /// As the monitor does: expire() whenever it is due, until `span` has passed.
  void pass(std::chrono::seconds span) {
    for (const MonotonicTime end = clock_.monotonic() + span; clock_.monotonic() <= end; clock_.advance(500ms)) {
      const auto due = firewall_->next_due();
      if (due && *due <= clock_.monotonic()) firewall_->expire();
    }
  }
  void expect_nothing_left() {
    EXPECT_EQ(open_rules(), Lines{});
    EXPECT_TRUE(journal_.open.empty());
  }

  FirewallSettings settings_;
  std::vector<Stanza> stanzas_;
  Lines lines_;
  log::Logger log_;
  ManualClock clock_;
  std::unique_ptr<Fake> fake_;
  Journal journal_;
  std::unique_ptr<Firewall> firewall_;
};

INSTANTIATE_TEST_SUITE_P(Both, TrackingTest, testing::Values(FirewallKind::ipfw, FirewallKind::pf),
                         [](const auto& kind) { return std::string(name_of(kind.param)); });

TEST(HasExpiry, compares_all_digits) {
  EXPECT_TRUE(has_expiry("pass // _exp_1795216403", 1795216403));
  EXPECT_TRUE(has_expiry("pass label \"_exp_1795216403\"", 1795216403));
  EXPECT_TRUE(has_expiry("pass // _exp_1795216403 ", 1795216403));
  EXPECT_FALSE(has_expiry("pass // _exp_17952164030", 1795216403));
  EXPECT_FALSE(has_expiry("pass // _exp_179521640", 1795216403));
  EXPECT_FALSE(has_expiry("pass // _exp_1795216404", 1795216403));
  EXPECT_FALSE(has_expiry("pass // 1795216403", 1795216403));
}

TEST_P(TrackingTest, a_longer_expiry_in_the_listing_is_another_rule) {
  grant(22, 5s);
  open_rules()[0] += "0";
  pass(5s);
  EXPECT_EQ(open_rules().size(), 1U);
  EXPECT_EQ(lines_.back(), "Did not find expire comment in rules list 0.");
}

TEST_P(TrackingTest, a_rule_that_was_refused_is_forgotten) {
  fake_->is_broken = true;
  grant(22, 5s);
  EXPECT_TRUE(journal_.open.empty());
  EXPECT_FALSE(firewall_->next_due());
}

TEST_P(TrackingTest, a_rule_made_by_a_command_that_was_killed_is_removed_in_time) {
  fake_->forgets_answers = true;
  grant(22, 5s);
  fake_->forgets_answers = false;
  for (const std::string& line : lines_) EXPECT_FALSE(line.starts_with("Added")) << line;
  grant(23, 5s);
  ASSERT_EQ(open_rules().size(), 2U);
  if (is_ipfw()) {
    EXPECT_TRUE(open_rules()[1].starts_with("10001 ")) << "one number twice";
  }
  EXPECT_EQ(journal_.open.size(), 2U);
  pass(5s);
  expect_nothing_left();
}

TEST_P(TrackingTest, a_reload_leaves_each_rule_once_and_it_ends_in_time) {
  grant(22, 30s);
  grant(53, 30s);
  grant(80, 60s);
  reload();
  reload();
  EXPECT_EQ(open_rules().size(), 3U);
  EXPECT_EQ(journal_.open.size(), 3U);
  grant(443, 60s);
  if (is_ipfw()) {
    EXPECT_TRUE(open_rules().back().starts_with("10003 ")) << open_rules().back();
  }
  pass(30s);
  EXPECT_EQ(open_rules().size(), 2U);
  pass(30s);
  expect_nothing_left();
}

TEST_P(TrackingTest, another_set_or_anchor_does_not_have_the_rules) {
  FirewallSettings other = settings_;
  EXPECT_TRUE(share_rules(settings_, other));
  (is_ipfw() ? other.pf_anchor : other.exe) = "other";
  EXPECT_EQ(share_rules(settings_, other), is_ipfw()) << "ipfw has no anchor";
  other = settings_;
  if (is_ipfw()) {
    other.ipfw_active_set = 7;
  } else {
    other.pf_anchor = "other";
  }
  EXPECT_FALSE(share_rules(settings_, other));
}

TEST_P(TrackingTest, a_rule_that_fell_due_during_a_reload_is_removed_at_once) {
  grant(22, 5s);
  grant(23, 30s);
  auto rules = firewall_->release();
  clock_.advance(10s);
  restart(StartKind::reload, std::move(rules));
  pass(0s);
  EXPECT_EQ(open_rules().size(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
}

TEST_P(TrackingTest, rules_left_by_a_crash_end_in_time) {
  settings_.flush_at_init = false;
  grant(22, 5s);
  grant(23, 30s);
  clock_.advance(10s);
  restart(StartKind::fresh, journal_.left());
  pass(0s);
  EXPECT_EQ(open_rules().size(), 1U);
  pass(20s);
  expect_nothing_left();
}

TEST_P(TrackingTest, rules_that_the_start_has_flushed_are_made_again) {
  grant(22, 5s);
  grant(23, 30s);
  grant(24, 30s);
  clock_.advance(10s);
  restart(StartKind::fresh, journal_.left());
  EXPECT_EQ(open_rules().size(), 2U);
  EXPECT_EQ(journal_.open.size(), 2U);
  EXPECT_EQ(lines_.end(), std::ranges::find(lines_, "Did not find expire comment in rules list 0."));
  pass(20s);
  expect_nothing_left();
}

TEST_P(TrackingTest, the_journal_holds_a_rule_while_it_is_made_again) {
  grant(22, 30s);
  journal_.least = 1;
  restart(StartKind::fresh, journal_.left());
  EXPECT_EQ(open_rules().size(), 1U);
  EXPECT_EQ(journal_.open.size(), 1U);
  EXPECT_EQ(journal_.least, 1U) << "a crash here would have forgotten it";
}

TEST_P(TrackingTest, a_firewall_that_is_out_of_order_at_a_reload_is_asked_again) {
  grant(22, 5s);
  grant(23, 20s);
  auto rules = firewall_->release();
  clock_.advance(10s);
  start(StartKind::reload);
  fake_->is_broken = true;
  firewall_->restore(std::move(rules));
  pass(5s);
  EXPECT_EQ(journal_.open.size(), 2U);
  fake_->is_broken = false;
  pass(1s);
  EXPECT_EQ(open_rules().size(), 1U);
  pass(5s);
  expect_nothing_left();
}

TEST_P(TrackingTest, rules_of_others_stay) {
  settings_.flush_at_init = false;
  const Lines others{is_ipfw() ? "10000 allow ip from any to 192.0.2.1" : "block drop all"};
  open_rules() = others;
  start(StartKind::reload);
  grant(22, 30s);
  if (is_ipfw()) {
    EXPECT_TRUE(open_rules().back().starts_with("10001 ")) << open_rules().back();
  }
  reload();
  EXPECT_EQ(open_rules().size(), 2U);
  pass(30s);
  EXPECT_EQ(open_rules(), others);
}

}  // namespace
}  // namespace latchkey::fwknopd
