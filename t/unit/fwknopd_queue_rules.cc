// SPDX-License-Identifier: GPL-2.0-or-later
// The commands that fill and empty the netfilter queue, as each firewall gets them.
#include "fwknopd/firewall/queue_rules.h"

#include <gtest/gtest.h>

namespace latchkey::fwknopd {
namespace {

using Lines = std::vector<std::string>;

class Recorder final : public CommandRunner {
 public:
  CommandResult run(const Words& argv, const std::string&) override {
    const std::string line = join(argv);
    if (line.ends_with(" -V")) return {0, 0, version};
    lines.push_back(line);
    // Nothing is there at the start: deletions fail.
    const bool is_refused = line.find(" -D ") != std::string::npos || line.find(" -F ") != std::string::npos ||
                            (!refused.empty() && line.find(refused) != std::string::npos);
    return {0, is_refused ? refusal_status : 0, is_refused ? "iptables: No chain/target/match by that name.\n" : ""};
  }
  Lines lines;
  std::string version = "iptables v1.8.9 (nf_tables)";
  std::string refused;
  int refusal_status = 1;
};

class LinesSink final : public log::Sink {
 public:
  explicit LinesSink(Lines& lines) : lines_(lines) {}
  void write(log::Level, std::string_view text) override { lines_.emplace_back(text); }

 private:
  Lines& lines_;
};

class Places final : public RuleJournal {
 public:
  bool opening(OpenRule&) override { return true; }
  void closed(const OpenRule&) override {}
  void enter(const RulePlace& place) override { entered.push_back(place.name); }
  void leave(const RulePlace& place) override { std::erase(entered, place.name); }
  Lines entered;
};

struct Bench {
  explicit Bench(FirewallKind kind, std::string exe) {
    firewall.kind = kind;
    firewall.exe = std::move(exe);
    log.add(std::make_unique<LinesSink>(told));
  }
  bool start() { return QueueRules(firewall, queue, log, recorder, places).start(); }
  FirewallSettings firewall;
  QueueSettings queue;
  log::Logger log;
  Recorder recorder;
  Places places;
  Lines told;
};

TEST(QueueRules, iptables) {
  Bench bench(FirewallKind::iptables, "/sbin/iptables");
  bench.queue = {"eth1", 5000, "raw", "Q", 9};
  EXPECT_TRUE(bench.start());
  EXPECT_EQ(bench.recorder.lines,
            (Lines{"/sbin/iptables -t raw -D INPUT -j Q", "/sbin/iptables -t raw -F Q", "/sbin/iptables -t raw -N Q",
                   "/sbin/iptables -t raw -I INPUT 1 -j Q",
                   "/sbin/iptables -t raw -A Q -i eth1 -p udp -m udp --dport 5000 -j NFQUEUE --queue-num 9"}));
  EXPECT_EQ(bench.told, Lines{});
}

TEST(QueueRules, the_legacy_tables_are_waited_for) {
  Bench bench(FirewallKind::iptables, "/sbin/iptables");
  bench.recorder.version = "iptables v1.8.9 (legacy)";
  EXPECT_TRUE(bench.start());
  for (const std::string& line : bench.recorder.lines)
    EXPECT_TRUE(line.starts_with("/sbin/iptables -w -t mangle ")) << line;
}

TEST(QueueRules, firewalld_passes_them_on) {
  Bench bench(FirewallKind::firewalld, "/usr/bin/firewall-cmd");
  EXPECT_TRUE(bench.start());
  EXPECT_EQ(bench.recorder.lines.back(),
            "/usr/bin/firewall-cmd --direct --passthrough ipv4 -t mangle -A FWKNOP_NFQ -p udp -m udp --dport 62201 -j "
            "NFQUEUE --queue-num 1");
}

TEST(QueueRules, a_refused_command_takes_back_the_others) {
  Bench bench(FirewallKind::iptables, "/sbin/iptables");
  bench.recorder.refused = "-j NFQUEUE";
  EXPECT_FALSE(bench.start());
  EXPECT_EQ(bench.told, Lines{"Error 1 from cmd:'/sbin/iptables -t mangle -A FWKNOP_NFQ -p udp -m udp --dport 62201 -j "
                              "NFQUEUE --queue-num 1': iptables: No chain/target/match by that name."});
  EXPECT_EQ(Lines(bench.recorder.lines.end() - 2, bench.recorder.lines.end()),
            (Lines{"/sbin/iptables -t mangle -D INPUT -j FWKNOP_NFQ", "/sbin/iptables -t mangle -F FWKNOP_NFQ"}));
}

TEST(QueueRules, the_chain_is_known_until_it_is_deleted) {
  Bench bench(FirewallKind::iptables, "/sbin/iptables");
  QueueRules rules(bench.firewall, bench.queue, bench.log, bench.recorder, bench.places);
  EXPECT_TRUE(rules.start());
  EXPECT_EQ(bench.places.entered, Lines{"FWKNOP_NFQ"});
  bench.recorder.refusal_status = 4;  // not for want of a chain
  rules.remove();
  EXPECT_EQ(bench.places.entered, Lines{"FWKNOP_NFQ"});
  EXPECT_EQ(bench.told.size(), 1u);
  bench.recorder.refusal_status = 1;
  rules.remove();
  EXPECT_EQ(bench.places.entered, Lines{});
}

TEST(RemovePlace, tells_of_a_program_that_is_gone) {
  Bench bench(FirewallKind::iptables, "");
  RulePlace place{FirewallKind::iptables, "/nonexistent/iptables -w", "filter", "INPUT", "X"};
  EXPECT_TRUE(remove_place(place, bench.log, 0));
  EXPECT_EQ(bench.told, Lines{"Rules of an earlier fwknopd may stand in X: /nonexistent/iptables is not there to "
                              "remove them"});
  bench.told.clear();
  place.exe = "true";
  EXPECT_TRUE(remove_place(place, bench.log, 0));
  EXPECT_EQ(bench.told, Lines{}) << "it stands in the path";
  place.exe = "sh -c false";
  place.name = "Y";
  EXPECT_TRUE(remove_place(place, bench.log, 0)) << "a refusal: there is no such chain";
}

TEST(QueueRules, other_firewalls_have_no_queue) {
  for (const FirewallKind kind : {FirewallKind::ipfw, FirewallKind::pf}) {
    Bench bench(kind, "/sbin/x");
    EXPECT_FALSE(bench.start());
    EXPECT_EQ(bench.recorder.lines, Lines{});
  }
}

}  // namespace
}  // namespace latchkey::fwknopd
