// SPDX-License-Identifier: GPL-2.0-or-later
// Printing of rules for iptables, parsing of its listings.
#include "fwknopd/firewall/xtables_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::string_view comment_mark = "_exp_";
constexpr std::string_view anywhere = "0.0.0.0/0";
/// Digits of an expiry time, and a blank.
constexpr std::size_t comment_characters = 11;

std::string destination_text(const Rule& rule) {
  return rule.destination ? net::format_ip_address(*rule.destination) : std::string(anywhere);
}

std::string comment_of(const Rule& rule) { return fmt::format("{}{}", comment_mark, rule.expires_at_s); }

std::string endpoint_text(const Endpoint& endpoint) {
  return fmt::format("{}:{}", net::format_ip_address(endpoint.address), endpoint.port);
}

class Printer {
 public:
  Printer(const Rule& rule, const ChainSpec& chain) : rule_(rule), chain_(chain) {}

  Words print() {
    add({"-t", chain_.table});
    match();
    add({"-m", "comment", "--comment", comment_of(rule_), "-j", chain_.target});
    target_options();
    return std::move(words_);
  }

 private:
  void add(std::initializer_list<std::string> words) { words_.insert(words_.end(), words); }
  void protocol() { add({"-p", fmt::format("{}", static_cast<unsigned>(rule_.service.protocol))}); }
  void destination_port() { add({"--dport", fmt::format("{}", rule_.service.port)}); }

  void match() {
    const std::string allowed = net::format_ip_address(rule_.allowed);
    switch (rule_.kind) {
      case RuleKind::access:
      case RuleKind::local_nat:
      case RuleKind::dnat:
        protocol();
        add({"-s", allowed, "-d", destination_text(rule_)});
        return destination_port();
      case RuleKind::output:
        protocol();
        return add({"-d", allowed, "-s", destination_text(rule_), "--sport", fmt::format("{}", rule_.service.port)});
      case RuleKind::forward:
        protocol();
        add({"-s", allowed});
        return destination_port();
      case RuleKind::dnat_all:
        return add({"-s", allowed, "-d", destination_text(rule_)});
      case RuleKind::snat:
        protocol();
        if (rule_.nat) add({"-d", net::format_ip_address(rule_.nat->address)});
        return destination_port();
      case RuleKind::forward_all:
      case RuleKind::snat_all:
        return add({"-s", allowed});
    }
  }

  void target_options() {
    if (rule_.kind == RuleKind::dnat && rule_.nat) add({"--to-destination", endpoint_text(*rule_.nat)});
    if (rule_.kind == RuleKind::dnat_all && rule_.nat)
      add({"--to-destination", net::format_ip_address(rule_.nat->address)});
    if (rule_.source) add({"--to-source", net::format_ip_address(*rule_.source)});
    if (rule_.source_port) add({"--to-ports", fmt::format("{}", *rule_.source_port)});
  }

  const Rule& rule_;
  const ChainSpec& chain_;
  Words words_;
};

/// The text between `_exp_` and the end of the comment as a number.
std::optional<std::int64_t> expiry_in(std::string_view after_mark) {
  const auto text = after_mark.substr(0, std::min(comment_characters, after_mark.find('*')));
  return parse_number<std::int64_t>(strip(text), 0);
}

bool has(std::string_view line, const std::string& part) { return line.find(part) != std::string_view::npos; }

/// iptables up to 1.8.8 prints protocols by name even with -n.
bool has_protocol(std::string_view line, Protocol protocol) {
  return protocol == Protocol::tcp ? has(line, " tcp ") || has(line, " 6 ") : has(line, " udp ") || has(line, " 17 ");
}

bool line_shows(std::string_view line, const Rule& rule, const ChainSpec& chain) {
  if (!has(line, fmt::format("{}{} ", comment_mark, rule.expires_at_s))) return false;
  if (!line.starts_with(chain.target + " ")) return false;
  const bool is_by_destination = rule.kind == RuleKind::snat;
  const auto& address = is_by_destination && rule.nat ? rule.nat->address : rule.allowed;
  if (!has(line, fmt::format(" {} ", net::format_ip_address(address)))) return false;
  if (rule.destination && !has(line, fmt::format(" {} ", net::format_ip_address(*rule.destination)))) return false;
  if (!is_for_all_services(rule.kind)) {
    const char* side = rule.kind == RuleKind::output ? "spt" : "dpt";
    if (!has_protocol(line, rule.service.protocol)) return false;
    if (!has(line, fmt::format("{}:{} ", side, rule.service.port))) return false;
  }
  // A second request for another internal host in the same second is a rule of its own (4.3, DEVIATE).
  if (rule.kind == RuleKind::dnat && rule.nat &&
      !has(fmt::format("{} ", line), " to:" + endpoint_text(*rule.nat) + " "))
    return false;
  if (rule.kind == RuleKind::dnat_all && rule.nat &&
      !has(fmt::format("{} ", line), fmt::format(" to:{} ", net::format_ip_address(rule.nat->address))))
    return false;
  return true;
}

}  // namespace

Words rule_words(const Rule& rule, const ChainSpec& chain) { return Printer(rule, chain).print(); }

std::string join(const Words& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::string format_added(const Rule& rule, const ChainSpec& chain) {
  const bool shows_destination = rule.kind == RuleKind::access || rule.kind == RuleKind::output ||
                                 rule.kind == RuleKind::local_nat || rule.kind == RuleKind::dnat;
  return fmt::format("Added {} rule to {} for {} -> {} {}, expires at {}", name_of(rule.kind), chain.to_chain,
                     net::format_ip_address(rule.allowed),
                     shows_destination ? destination_text(rule) : std::string(anywhere), rule.services_text,
                     rule.expires_at_s);
}

std::string_view ListedRule::without_number() const {
  return strip_left(line.substr(std::min(line.size(), line.find(' '))));
}

Listing parse_listing(std::string_view text) {
  Listing listing;
  for (const std::string_view line : split(text, '\n')) {
    const auto number = parse_number<unsigned>(line.substr(0, line.find(' ')), 1U);
    listing.last_number = std::max(listing.last_number, number.value_or(0));
    const auto mark = line.find(comment_mark);
    if (mark == std::string_view::npos) continue;
    listing.has_comments = true;
    const auto expiry = expiry_in(line.substr(mark + comment_mark.size()));
    if (!expiry) continue;
    if (!number) {
      listing.has_broken_line = true;
      continue;
    }
    listing.rules.push_back({*number, *expiry, line});
  }
  return listing;
}

bool is_listed(const Rule& rule, const ChainSpec& chain, std::string_view text) {
  return std::ranges::any_of(split(text, '\n'), [&](std::string_view line) { return line_shows(line, rule, chain); });
}

}  // namespace latchkey::fwknopd
