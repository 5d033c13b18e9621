// SPDX-License-Identifier: GPL-2.0-or-later
// From texts to Settings.
#include "fwknopd/config/build_settings.h"

#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/base/text.h"
#include "common/config/line_reader.h"
#include "common/net/address.h"
#include "fwknopd/config/chain_spec.h"
#include "fwknopd/config/conf_table.h"
#include "fwknopd/config/path_check.h"

namespace latchkey::fwknopd {
namespace {

constexpr unsigned most_verbosity = 255;

FirewallKind guess_kind(std::string_view exe) {
  constexpr auto programs = std::to_array<std::pair<std::string_view, FirewallKind>>({
      {"iptables", FirewallKind::iptables},
      {"firewall-cmd", FirewallKind::firewalld},
      {"ipfw", FirewallKind::ipfw},
      {"pfctl", FirewallKind::pf},
  });
  const std::string_view name = exe.substr(exe.rfind('/') + 1);
  for (const auto& [program, kind] : programs)
    if (name.starts_with(program)) return kind;
  // A wrapper of some name: what is installed tells.
  constexpr auto installed = std::to_array<std::pair<const char*, FirewallKind>>({
      {"/usr/sbin/iptables", FirewallKind::iptables},
      {"/usr/bin/firewall-cmd", FirewallKind::firewalld},
  });
  for (const auto& [path, kind] : installed)
    if (::access(path, X_OK) == 0) return kind;
  return FirewallKind::iptables;
}

bool uses_chains(FirewallKind kind) { return kind == FirewallKind::iptables || kind == FirewallKind::firewalld; }

std::string_view keyword_prefix(FirewallKind kind) { return kind == FirewallKind::firewalld ? "FIREWD" : "IPT"; }

class Builder {
 public:
  Builder(ConfTexts texts, const CommandLine& line, Report& report)
      : texts_(std::move(texts)), line_(line), report_(report) {
    for (const auto& [row, value] : line.values) texts_[row] = ConfText{value, {}};
  }

  std::optional<Settings> build(unsigned verbosity) {
    settings_.firewall.kind = guess_kind(value("FIREWALL_EXE").value_or(""));
    fill_defaults();
    if (!check_translation() || !check_chains() || !check_integers() || !check_sets() || !check_line())
      return std::nullopt;
    apply();
    take_line(verbosity);
    return std::move(settings_);
  }

 private:
  std::optional<std::string_view> value(std::string_view keyword) const {
    const std::optional<ConfText>& text = texts_[conf_row(keyword)];
    if (!text) return std::nullopt;
    return text->value;
  }
  config::Place place(std::string_view keyword) const {
    const std::optional<ConfText>& text = texts_[conf_row(keyword)];
    return text ? text->place : config::Place{};
  }
  std::string chain_keyword(std::string_view name) const {
    return fmt::format("{}_{}_ACCESS", keyword_prefix(settings_.firewall.kind), name);
  }
  bool is_enabled(std::string_view name) const {
    return config::is_yes(
        value(fmt::format("ENABLE_{}_{}", keyword_prefix(settings_.firewall.kind), name)).value_or(""));
  }

  void fill_defaults() {
    auto fill = [this](std::string_view keyword, std::string text) {
      std::optional<ConfText>& slot = texts_[conf_row(keyword)];
      if (!slot) slot = ConfText{std::move(text), {}};
    };
    if (value("PCAP_FILE").value_or("") != "") fill("ENABLE_SPA_PACKET_AGING", "N");
    for (const ConfRow& row : conf_rows())
      if (!row.text.fallback.empty()) fill(row.text.name, std::string(row.text.fallback));
    std::string run_dir(*value("FWKNOP_RUN_DIR"));
    if (!run_dir.ends_with('/')) run_dir += '/';
    fill("FWKNOP_PID_FILE", run_dir + "fwknopd.pid");
    fill("DIGEST_FILE", run_dir + "digest.cache");
    if (auto& folder = texts_[conf_row("ACCESS_FOLDER")]) folder->value = drop_last_slash(folder->value);
  }

  bool check_translation() {
    const auto text = value("SNAT_TRANSLATE_IP");
    if (!uses_chains(settings_.firewall.kind) || !is_enabled("SNAT") || !text) return true;
    const auto address = net::parse_ip_address(config::cut_comment(*text));
    if (!address || !address->is_v4()) {
      report_.error(place("SNAT_TRANSLATE_IP"), "Invalid IPv4 addr for SNAT_TRANSLATE_IP");
      return report_.goes_on();
    }
    settings_.firewall.snat_translate_ip = net::format_ip_address(*address);
    return true;
  }

  bool check_chains() {
    if (!uses_chains(settings_.firewall.kind)) return true;
    for (const std::string_view name : {"INPUT", "OUTPUT", "FORWARD", "DNAT", "SNAT", "MASQUERADE"}) {
      const std::string keyword = chain_keyword(name);
      if (is_chain_string(*value(keyword))) continue;
      report_.error(place(keyword), "Invalid {} specification, see fwknopd.conf comments", keyword);
      if (!report_.goes_on()) return false;
      texts_[conf_row(keyword)]->value = conf_rows()[conf_row(keyword)].text.fallback;
    }
    return true;
  }

  bool check_integers() {
    for (const std::string_view keyword : integer_check_order()) {
      const ConfRow& row = conf_rows()[conf_row(keyword)];
      if (!row.knows(settings_.firewall.kind)) continue;
      std::optional<ConfText>& text = texts_[conf_row(keyword)];
      if (config::parse_strict_number(text->value, row.text.least, row.text.most)) continue;
      report_.error(text->place, "[*] var {} value '{}' not in the range {}-{}", keyword, text->value, row.text.least,
                    row.text.most);
      if (!report_.goes_on()) return false;
      text->value = row.text.fallback;
    }
    return true;
  }

  bool check_sets() {
    if (settings_.firewall.kind != FirewallKind::ipfw) return true;
    const auto active = config::cut_comment(*value("IPFW_ACTIVE_SET_NUM"));
    if (active == "0" || active != config::cut_comment(*value("IPFW_EXPIRE_SET_NUM"))) return true;
    report_.error(place("IPFW_EXPIRE_SET_NUM"), "[*] Cannot set identical ipfw active and expire sets.");
    return report_.goes_on();
  }

  bool check_line() {
    if (line_.exclusive_actions() > 1) {
      report_.error({}, "The -D, -K, -R, and -S options are mutually exclusive.  Pick only one.");
    } else if (line_.exclusive_actions() == 0 && value("FIREWALL_EXE").value_or("").empty()) {
      report_.error({}, "[*] No firewall command executable is set. Please check FIREWALL_EXE in fwknopd.conf.");
    }
    return report_.goes_on();
  }

  void apply() {
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const ConfRow& row = conf_rows()[i];
      if (!texts_[i] || !row.knows(settings_.firewall.kind)) continue;
      const std::string& text = texts_[i]->value;
      ConfValue value{
          .text = text, .is_on = config::is_yes(text), .is_off = text.starts_with('N') || text.starts_with('n')};
      if (row.text.kind == config::ValueKind::number)
        value.number = config::parse_strict_number(text, row.text.least, row.text.most).value_or(0);
      row.set(settings_, value);
    }
    settings_.firewall.exe_place = place("FIREWALL_EXE");
    for (std::string* path : {&settings_.pid_file, &settings_.digest_file}) *path = make_absolute(*path);
    for (std::optional<ConfText>& text : texts_)
      settings_.texts.push_back(text ? std::optional(std::move(text->value)) : std::nullopt);
  }

  void take_line(unsigned verbosity) {
    settings_.verbosity = static_cast<int>(std::min(verbosity + line_.verbosity, most_verbosity));
    settings_.foreground = line_.foreground;
    settings_.test_mode = line_.test_mode;
    settings_.rotate_digest_cache = line_.rotate_digest_cache;
    settings_.exit_parse_digest_cache = line_.exit_parse_digest_cache;
    settings_.syslog_enable = line_.syslog_enable;
    settings_.capture.packet_limit = line_.packet_limit;
    if (line_.udp_server) settings_.capture.mode = CaptureMode::udp_server;
    if (line_.nfq_capture) settings_.capture.mode = CaptureMode::nfqueue;
    if (line_.any_direction) settings_.capture.any_direction = true;
    if (line_.no_rule_check_support) settings_.firewall.rule_check_support = false;
  }

  ConfTexts texts_;
  const CommandLine& line_;
  Report& report_;
  Settings settings_;
};

}  // namespace

const char* name_of(FirewallKind kind) {
  switch (kind) {
    case FirewallKind::iptables:
      return "iptables";
    case FirewallKind::firewalld:
      return "firewalld";
    case FirewallKind::ipfw:
      return "ipfw";
    case FirewallKind::pf:
      return "pf";
  }
  return "";
}

std::optional<unsigned> read_verbosity(const ConfTexts& texts, Report& report) {
  const std::optional<ConfText>& text = texts[conf_row("VERBOSE")];
  if (!text) return 0;
  const auto number = config::parse_strict_number(text->value, 0, 2147483647);
  if (number) return static_cast<unsigned>(std::min<std::int64_t>(*number, most_verbosity));
  report.error(text->place, "[*] VERBOSE value '{}' not in the range (>0)", text->value);
  return report.goes_on() ? std::optional(0u) : std::nullopt;
}

std::optional<Settings> build_settings(ConfTexts texts, unsigned verbosity, const CommandLine& line, Report& report) {
  return Builder(std::move(texts), line, report).build(verbosity);
}

std::optional<int> parse_syslog_facility(std::string_view text) {
  constexpr auto facilities = std::to_array<std::pair<std::string_view, int>>({
      {"LOG_DAEMON", LOG_DAEMON},
      {"LOG_LOCAL0", LOG_LOCAL0},
      {"LOG_LOCAL1", LOG_LOCAL1},
      {"LOG_LOCAL2", LOG_LOCAL2},
      {"LOG_LOCAL3", LOG_LOCAL3},
      {"LOG_LOCAL4", LOG_LOCAL4},
      {"LOG_LOCAL5", LOG_LOCAL5},
      {"LOG_LOCAL6", LOG_LOCAL6},
      {"LOG_LOCAL7", LOG_LOCAL7},
  });
  for (const auto& [name, number] : facilities)
    if (equals_ignoring_case(name, text)) return number;
  return std::nullopt;
}

bool parse_chains(Settings& settings, Report& report) {
  FirewallSettings& firewall = settings.firewall;
  if (!uses_chains(firewall.kind)) return true;
  const bool has_nat = firewall.forwarding || firewall.local_nat;
  struct Use {
    std::string_view name;
    ChainSpec* chain;
    bool is_used;
  };
  for (const Use& use :
       {Use{"INPUT", &firewall.input_chain, true}, Use{"OUTPUT", &firewall.output_chain, firewall.output},
        Use{"FORWARD", &firewall.forward_chain, has_nat}, Use{"DNAT", &firewall.dnat_chain, has_nat},
        Use{"MASQUERADE", &firewall.masquerade_chain, has_nat && firewall.snat},
        Use{"SNAT", &firewall.snat_chain, has_nat && firewall.snat}}) {
    const std::size_t row = conf_row(fmt::format("{}_{}_ACCESS", keyword_prefix(firewall.kind), use.name));
    auto spec = parse_chain_string(settings.texts[row].value_or(""));
    if (spec) {
      *use.chain = std::move(*spec);
    } else if (use.is_used) {
      report.error({}, "{}", spec.error().text);
      if (!report.goes_on()) return false;
    }
  }
  return true;
}

}  // namespace latchkey::fwknopd
