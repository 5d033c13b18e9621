// SPDX-License-Identifier: GPL-2.0-or-later
// The rule planner and its iptables text, row by row as spec/fwknopd-runtime.md 4.2, 4.3 and 9.3 have them.
#include "fwknopd/firewall/rule.h"

#include <gtest/gtest.h>

#include "fwknopd/firewall/xtables_text.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::int64_t expiry = 1795216496;

net::IpAddress ip(std::string_view text) { return net::parse_ip_address(text).value(); }

FirewallSettings settings_with(std::string_view options) {
  FirewallSettings settings;
  settings.input_chain = {"ACCEPT", "filter", "INPUT", 1, "FWKNOP_INPUT", 1};
  settings.output_chain = {"ACCEPT", "filter", "OUTPUT", 1, "FWKNOP_OUTPUT", 1};
  settings.forward_chain = {"ACCEPT", "filter", "FORWARD", 1, "FWKNOP_FORWARD", 1};
  settings.dnat_chain = {"DNAT", "nat", "PREROUTING", 1, "FWKNOP_PREROUTING", 1};
  settings.snat_chain = {"SNAT", "nat", "POSTROUTING", 1, "FWKNOP_POSTROUTING", 1};
  settings.masquerade_chain = {"MASQUERADE", "nat", "POSTROUTING", 1, "FWKNOP_MASQUERADE", 1};
  const auto has = [&](std::string_view option) { return options.find(option) != std::string_view::npos; };
  settings.forwarding = has("forwarding");
  settings.local_nat = has("local");
  settings.snat = has("snat");
  settings.output = has("output");
  settings.destination_rule = has("destination");
  if (has("translate")) settings.snat_translate_ip = "10.1.2.3";
  return settings;
}

Stanza stanza_with(std::string_view options) {
  Stanza stanza;
  const auto has = [&](std::string_view option) { return options.find(option) != std::string_view::npos; };
  if (has("force_nat")) stanza.force_nat = ForceNat{"123.4.4.4", 22};
  if (has("implied")) stanza.force_nat = ForceNat{"0.0.0.0", 0};
  if (has("force_snat")) stanza.force_snat_ip = "33.3.3.3";
  stanza.force_masquerade = has("masquerade");
  stanza.disable_dnat = has("disable_dnat");
  stanza.forward_all = has("forward_all");
  return stanza;
}

struct Row {
  const char* name;
  const char* settings;
  const char* stanza;
  RequestKind kind;
  std::vector<Service> services;
  const char* nat;  ///< nullptr: none
  std::vector<std::string> wanted;
};

const Service ssh{Protocol::tcp, 22}, dns{Protocol::udp, 53}, web{Protocol::tcp, 80};
constexpr auto access = RequestKind::access;
constexpr auto forward = RequestKind::forward_nat;
constexpr auto local = RequestKind::local_nat;
#define EXP "-m comment --comment _exp_1795216496 -j "
const std::string input = "FWKNOP_INPUT -t filter -p 6 -s 127.0.0.2 -d 0.0.0.0/0 --dport 22 " EXP "ACCEPT";
const std::string forward_rule = "FWKNOP_FORWARD -t filter -p 6 -s 127.0.0.2 --dport 22 " EXP "ACCEPT";
const std::string forward_all = "FWKNOP_FORWARD -t filter -s 127.0.0.2 " EXP "ACCEPT";
std::string dnat(const std::string& to, const std::string& destination = "0.0.0.0/0") {
  return "FWKNOP_PREROUTING -t nat -p 6 -s 127.0.0.2 -d " + destination + " --dport 80 " EXP "DNAT --to-destination " +
         to;
}
std::string dnat_all(const std::string& to) {
  return "FWKNOP_PREROUTING -t nat -s 127.0.0.2 -d 0.0.0.0/0 " EXP "DNAT --to-destination " + to;
}
std::string snat(const std::string& destination, const std::string& from) {
  return "FWKNOP_POSTROUTING -t nat -p 6 -d " + destination + " --dport 22 " EXP "SNAT --to-source " + from;
}
const std::string masquerade = "FWKNOP_MASQUERADE -t nat -p 6 -d 123.4.4.4 --dport 22 " EXP "MASQUERADE --to-ports 80";
const std::string masquerade_all = "FWKNOP_MASQUERADE -t nat -s 127.0.0.2 " EXP "MASQUERADE";
std::string snat_all(const std::string& from) {
  return "FWKNOP_POSTROUTING -t nat -s 127.0.0.2 " EXP "SNAT --to-source " + from;
}

const std::vector<Row> rows{
    {"plain", "", "", access, {ssh}, nullptr, {input}},
    {"two services",
     "",
     "",
     access,
     {ssh, dns},
     nullptr,
     {input, "FWKNOP_INPUT -t filter -p 17 -s 127.0.0.2 -d 0.0.0.0/0 --dport 53 " EXP "ACCEPT"}},
    {"output",
     "output",
     "",
     access,
     {ssh},
     nullptr,
     {input, "FWKNOP_OUTPUT -t filter -p 6 -d 127.0.0.2 -s 0.0.0.0/0 --sport 22 " EXP "ACCEPT"}},
    {"destination",
     "destination",
     "",
     access,
     {ssh},
     nullptr,
     {"FWKNOP_INPUT -t filter -p 6 -s 127.0.0.2 -d 10.9.9.9 --dport 22 " EXP "ACCEPT"}},
    {"66 forwarding", "forwarding", "", forward, {web}, "192.168.1.2", {forward_rule, dnat("192.168.1.2:22")}},
    {"69 local NAT", "local", "", local, {web}, "127.0.0.1", {input, dnat("127.0.0.1:22")}},
    {"79 translated",
     "forwarding snat translate",
     "",
     forward,
     {web},
     "192.168.1.2",
     {forward_rule, dnat("192.168.1.2:22"), snat("192.168.1.2", "10.1.2.3")}},
    {"81 forced", "forwarding", "force_nat", access, {web}, nullptr, {forward_rule, dnat("123.4.4.4:22")}},
    {"82 forced wins", "forwarding", "force_nat", forward, {web}, "192.168.1.2", {forward_rule, dnat("123.4.4.4:22")}},
    {"83 forced local", "local", "force_nat", local, {web}, "127.0.0.1", {input, dnat("123.4.4.4:22")}},
    {"84 forced SNAT",
     "forwarding snat translate",
     "force_nat force_snat",
     access,
     {web},
     nullptr,
     {forward_rule, dnat("123.4.4.4:22"), snat("123.4.4.4", "33.3.3.3")}},
    {"85 masquerade",
     "forwarding snat",
     "force_nat masquerade",
     access,
     {web},
     nullptr,
     {forward_rule, dnat("123.4.4.4:22"), masquerade}},
    {"86 no DNAT",
     "forwarding snat",
     "force_nat masquerade disable_dnat",
     access,
     {web},
     nullptr,
     {forward_rule, masquerade}},
    {"87 masquerade wins",
     "forwarding snat translate",
     "force_nat masquerade",
     access,
     {web},
     nullptr,
     {forward_rule, dnat("123.4.4.4:22"), masquerade}},
    {"88 everything",
     "forwarding snat",
     "implied force_snat forward_all disable_dnat",
     access,
     {web},
     nullptr,
     {forward_all, snat_all("33.3.3.3")}},
    {"89 everything, masquerade",
     "forwarding snat",
     "implied masquerade forward_all disable_dnat",
     access,
     {web},
     nullptr,
     {forward_all, masquerade_all}},
    {"91 everything, translated",
     "forwarding snat translate",
     "force_nat forward_all",
     access,
     {web},
     nullptr,
     {forward_all, dnat_all("123.4.4.4"), snat_all("10.1.2.3")}},
    {"92 SNAT is off",
     "forwarding",
     "force_nat force_snat",
     access,
     {web},
     nullptr,
     {forward_rule, dnat("123.4.4.4:22"), snat("123.4.4.4", "33.3.3.3")}},
    {"93 destination",
     "forwarding destination",
     "",
     forward,
     {web},
     "192.168.1.2",
     {forward_rule, dnat("192.168.1.2:22", "10.9.9.9")}},
    {"95 first service only",
     "forwarding",
     "",
     forward,
     {web, dns},
     "192.168.1.2",
     {forward_rule, dnat("192.168.1.2:22")}},
    {"99 FORWARD_ALL, plain", "forwarding", "forward_all", access, {ssh}, nullptr, {input}},
    {"99 FORWARD_ALL, NAT",
     "forwarding",
     "forward_all",
     forward,
     {web},
     "192.168.1.2",
     {forward_all, dnat_all("192.168.1.2")}},
    {"102 no OUTPUT with NAT",
     "forwarding output",
     "",
     forward,
     {web},
     "192.168.1.2",
     {forward_rule, dnat("192.168.1.2:22")}},
    {"107 implied target",
     "forwarding snat",
     "implied force_snat forward_all",
     access,
     {web},
     nullptr,
     {forward_all, dnat_all("0.0.0.0"), snat_all("33.3.3.3")}},
    {"NAT without target", "forwarding", "", forward, {web}, nullptr, {}},
};

Grant grant_for(const Row& row) {
  Grant grant;
  grant.kind = row.kind;
  grant.allowed = ip("127.0.0.2");
  grant.destination = ip("10.9.9.9");
  grant.services = row.services;
  if (row.nat) grant.nat = Endpoint{ip(row.nat), 22};
  grant.expires_at_s = expiry;
  return grant;
}

TEST(Rule, each_request_gives_the_rules_of_the_specification) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const FirewallSettings settings = settings_with(row.settings);
    std::vector<Stanza> stanzas;
    stanzas.push_back(stanza_with(row.stanza));
    std::vector<std::string> got;
    for (const Rule& rule : plan_rules(settings, active_slots(settings, stanzas), stanzas[0], grant_for(row))) {
      const ChainSpec& chain = chain_of(settings, rule.slot);
      got.push_back(chain.to_chain + " " + join(rule_words(rule, chain)));
    }
    EXPECT_EQ(got, row.wanted);
  }
}

TEST(Rule, log_lines_name_destination_and_ports_as_the_peer_does) {
  const auto lines_of = [](const char* settings_text, const Row& row) {
    const FirewallSettings settings = settings_with(settings_text);
    std::vector<Stanza> stanzas;
    stanzas.push_back(stanza_with(row.stanza));
    std::vector<std::string> lines;
    for (const Rule& rule : plan_rules(settings, active_slots(settings, stanzas), stanzas[0], grant_for(row))) {
      lines.push_back(format_added(rule, chain_of(settings, rule.slot)));
    }
    return lines;
  };
  const Row row{"", "", "", forward, {web, dns}, "192.168.1.2", {}};
  EXPECT_EQ(
      lines_of("forwarding destination", row),
      (std::vector<std::string>{
          "Added FORWARD rule to FWKNOP_FORWARD for 127.0.0.2 -> 0.0.0.0/0 tcp/80,udp/53, expires at 1795216496",
          "Added DNAT rule to FWKNOP_PREROUTING for 127.0.0.2 -> 10.9.9.9 tcp/80,udp/53, expires at 1795216496"}));
  const Row all{"", "", "forward_all", forward, {web}, "192.168.1.2", {}};
  EXPECT_EQ(lines_of("forwarding", all),
            (std::vector<std::string>{
                "Added FORWARD ALL rule to FWKNOP_FORWARD for 127.0.0.2 -> 0.0.0.0/0 */*, expires at 1795216496",
                "Added DNAT ALL rule to FWKNOP_PREROUTING for 127.0.0.2 -> 0.0.0.0/0 */*, expires at 1795216496"}));
}

TEST(Rule, slots_of_snat_are_active_where_a_stanza_forces_them) {
  std::vector<Stanza> stanzas;
  stanzas.push_back(stanza_with(""));
  EXPECT_EQ(active_slots(settings_with(""), stanzas), std::vector<Slot>{Slot::input});
  EXPECT_EQ(active_slots(settings_with("snat"), stanzas), std::vector<Slot>{Slot::input});
  EXPECT_EQ(active_slots(settings_with("local"), stanzas), (std::vector<Slot>{Slot::input, Slot::forward, Slot::dnat}));
  stanzas.push_back(stanza_with("masquerade"));
  EXPECT_EQ(active_slots(settings_with("forwarding"), stanzas),
            (std::vector<Slot>{Slot::input, Slot::forward, Slot::dnat, Slot::snat, Slot::masquerade}));
}

constexpr std::string_view listing_text =
    "Chain FWKNOP_INPUT (1 references)\n"
    "num  target     prot opt source               destination         \n"
    "1    DROP       6    --  9.9.9.9              0.0.0.0/0            tcp dpt:80\n"
    "2    ACCEPT     6    --  127.0.0.2            0.0.0.0/0            tcp dpt:22 /* _exp_1795216496 */\n"
    "3    ACCEPT     6    --  9.9.9.9              0.0.0.0/0            tcp dpt:22 /* _exp_NNN */\n"
    "4    ACCEPT     6    --  9.9.9.9              0.0.0.0/0            tcp dpt:23 /* x _exp_99 y */\n"
    "5    ACCEPT     6    --  9.9.9.9              0.0.0.0/0            tcp dpt:24 /* _exp_99abc */\n"
    "6    ACCEPT     6    --  9.9.9.9              0.0.0.0/0            tcp dpt:25 /* _exp_99 */\n"
    "success\n";

TEST(Listing, takes_only_comments_that_are_a_time) {
  const Listing listing = parse_listing(listing_text);
  ASSERT_EQ(listing.rules.size(), 2U);
  EXPECT_EQ(listing.rules[0].number, 2U);
  EXPECT_EQ(listing.rules[0].expires_at_s, expiry);
  EXPECT_EQ(listing.rules[1].number, 6U);
  EXPECT_EQ(listing.rules[1].expires_at_s, 99);
  EXPECT_FALSE(listing.has_broken_line);
}

TEST(Listing, tells_of_a_line_without_number) {
  EXPECT_TRUE(parse_listing("x ACCEPT /* _exp_1 */\n").has_broken_line);
  EXPECT_TRUE(parse_listing("/* _exp_1 */\n").has_broken_line);
}

TEST(Listing, finds_a_rule_of_iptables_old_and_new) {
  const FirewallSettings settings = settings_with("forwarding");
  std::vector<Stanza> stanzas;
  stanzas.push_back(stanza_with(""));
  const Row row{"", "", "", forward, {web}, "192.168.1.2", {}};
  const auto rules = plan_rules(settings, active_slots(settings, stanzas), stanzas[0], grant_for(row));
  const ChainSpec& chain = chain_of(settings, Slot::dnat);
  const std::string old_line =
      "DNAT       tcp  --  127.0.0.2            0.0.0.0/0            tcp dpt:80 /* _exp_1795216496 */ "
      "to:192.168.1.2:22";
  const std::string new_line =
      "DNAT       6    --  127.0.0.2            0.0.0.0/0            tcp dpt:80 /* _exp_1795216496 */ "
      "to:192.168.1.2:22";
  const std::string other_host =
      "DNAT       6    --  127.0.0.2            0.0.0.0/0            tcp dpt:80 /* _exp_1795216496 */ "
      "to:192.168.1.23:22";
  EXPECT_TRUE(is_listed(rules[1], chain, old_line));
  EXPECT_TRUE(is_listed(rules[1], chain, new_line));
  EXPECT_TRUE(is_listed(rules[1], chain, other_host + "\n" + new_line));
  EXPECT_FALSE(is_listed(rules[1], chain, other_host));
}

}  // namespace
}  // namespace latchkey::fwknopd
