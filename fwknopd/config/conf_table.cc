// SPDX-License-Identifier: GPL-2.0-or-later
// The directive table of fwknopd.conf.
#include "fwknopd/config/conf_table.h"

#include "config.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "common/net/packet_queue.h"

namespace latchkey::fwknopd {
namespace {

using config::ValueKind;
using V = const ConfValue&;
using S = Settings&;

constexpr unsigned bit(FirewallKind kind) { return 1u << static_cast<unsigned>(kind); }
constexpr unsigned ipt = bit(FirewallKind::iptables);
constexpr unsigned fwd = bit(FirewallKind::firewalld);
constexpr unsigned ipfw = bit(FirewallKind::ipfw);
constexpr unsigned pf = bit(FirewallKind::pf);
constexpr unsigned all = ipt | fwd | ipfw | pf;

constexpr std::int64_t most_interval = 8388608;
constexpr std::int64_t most_rules = 131071;

constexpr auto nothing = [](S, V) {};
std::chrono::seconds seconds(V value) { return std::chrono::seconds(value.number); }
std::chrono::microseconds microseconds(V value) { return std::chrono::microseconds(value.number); }
unsigned small(V value) { return static_cast<unsigned>(value.number); }
std::uint16_t port(V value) { return static_cast<std::uint16_t>(value.number); }

CaptureMode capture_mode(V value) {
  if (value.is_on) return CaptureMode::udp_server;
  return value.is_off ? CaptureMode::pcap : CaptureMode::none;
}

constexpr ConfRow text(std::string_view name, std::string_view fallback, void (*set)(S, V), unsigned firewalls = all) {
  return {{.name = name, .fallback = fallback}, firewalls, set};
}
constexpr ConfRow path(std::string_view name, std::string_view fallback, void (*set)(S, V)) {
  return {{.name = name, .kind = ValueKind::path, .fallback = fallback}, all, set};
}
constexpr ConfRow yes_no(std::string_view name, std::string_view fallback, void (*set)(S, V),
                         unsigned firewalls = all) {
  return {{.name = name, .kind = ValueKind::yes_no, .fallback = fallback}, firewalls, set};
}
struct Range {
  std::int64_t least;
  std::int64_t most;
  std::string_view unit = {};
};
constexpr ConfRow number(std::string_view name, std::string_view fallback, Range range, void (*set)(S, V),
                         unsigned firewalls = all) {
  return {{.name = name,
           .kind = ValueKind::number,
           .unit = range.unit,
           .least = range.least,
           .most = range.most,
           .fallback = fallback},
          firewalls,
          set};
}
// Chain strings are parsed only when they are in use (section 6.3), so the setter has nothing to do here.
constexpr ConfRow chain(std::string_view name, std::string_view fallback, unsigned firewalls) {
  return {{.name = name, .kind = ValueKind::chain, .fallback = fallback}, firewalls, nothing};
}

constexpr ConfRow of_nfqueue(ConfRow row) {
  row.is_of_nfqueue = true;
  return row;
}

constexpr auto rows = std::to_array<ConfRow>({
    path("CONFIG_FILE", SYSCONFDIR "/fwknop/fwknopd.conf", nothing),
    text("OVERRIDE_CONFIG", "", nothing),
    text("PCAP_INTF", "eth0", [](S s, V v) { s.capture.interface = v.text; }),
    path("PCAP_FILE", "", [](S s, V v) { s.capture.pcap_file = v.text; }),
    yes_no("ENABLE_PCAP_PROMISC", "N", [](S s, V v) { s.capture.promiscuous = v.is_on; }),
    text("PCAP_FILTER", "udp port 62201", [](S s, V v) { s.capture.filter = v.text; }),
    number("PCAP_DISPATCH_COUNT", "100", {1, most_interval}, [](S s, V v) { s.capture.dispatch_count = small(v); }),
    number("PCAP_LOOP_SLEEP", "100000", {1, most_interval, "us"},
           [](S s, V v) { s.capture.loop_sleep = microseconds(v); }),
    yes_no("ENABLE_PCAP_ANY_DIRECTION", "", [](S s, V v) { s.capture.any_direction = v.is_on; }),
    yes_no("EXIT_AT_INTF_DOWN", "Y", [](S s, V v) { s.capture.exit_at_interface_down = v.is_on; }),
    number("MAX_SNIFF_BYTES", "1500", {1, 32768, "bytes"}, [](S s, V v) { s.capture.max_sniff_bytes = small(v); }),
    yes_no("ENABLE_SPA_PACKET_AGING", "Y", [](S s, V v) { s.packet_aging = v.is_on; }),
    number("MAX_SPA_PACKET_AGE", "120", {1, 100000, "s"}, [](S s, V v) { s.max_packet_age = seconds(v); }),
    yes_no("ENABLE_DIGEST_PERSISTENCE", "Y", [](S s, V v) { s.digest_persistence = v.is_on; }),
    number("RULES_CHECK_THRESHOLD", "20", {0, most_rules},
           [](S s, V v) { s.firewall.rules_check_threshold = small(v); }),
    // The peer reads it and never looks at it again, so no text in it may be an error.
    text("CMD_EXEC_TIMEOUT", "",
         [](S s, V v) {
           s.cmd_exec_timeout = std::chrono::seconds(config::parse_strict_number(v.text, 0, most_interval).value_or(0));
         }),
    yes_no("ENABLE_SPA_OVER_HTTP", "N", [](S s, V v) { s.spa_over_http = v.is_on; }),
    yes_no("ALLOW_ANY_USER_AGENT", "N", [](S s, V v) { s.any_user_agent = !v.is_off; }),
    yes_no("ENABLE_TCP_SERVER", "N", [](S s, V v) { s.capture.tcp_server = v.is_on; }),
    number("TCPSERV_PORT", "62201", {1, 65535}, [](S s, V v) { s.capture.tcp_server_port = port(v); }),
    yes_no("ENABLE_UDP_SERVER", "N", [](S s, V v) { s.capture.mode = capture_mode(v); }),
    number("UDPSERV_PORT", "62201", {1, 65535}, [](S s, V v) { s.capture.udp_server_port = port(v); }),
    number("UDPSERV_SELECT_TIMEOUT", "500000", {1, most_interval, "us"},
           [](S s, V v) { s.capture.udp_select_timeout = microseconds(v); }),
    of_nfqueue(yes_no("ENABLE_NFQ_CAPTURE", "N",
                      [](S s, V v) {
                        if (v.is_on) s.capture.mode = CaptureMode::nfqueue;
                      })),
    of_nfqueue(text("NFQ_INTERFACE", "", [](S s, V v) { s.capture.queue.interface = v.text; })),
    of_nfqueue(number("NFQ_PORT", "62201", {1, 65535}, [](S s, V v) { s.capture.queue.port = port(v); })),
    of_nfqueue(text("NFQ_TABLE", "mangle", [](S s, V v) { s.capture.queue.table = v.text; })),
    of_nfqueue(text("NFQ_CHAIN", "FWKNOP_NFQ", [](S s, V v) { s.capture.queue.chain = v.text; })),
    of_nfqueue(number("NFQ_QUEUE_NUMBER", "1", {0, 65535}, [](S s, V v) { s.capture.queue.number = port(v); })),
    of_nfqueue(number("NFQ_LOOP_SLEEP", "500000", {1, most_interval, "us"}, nothing)),
    text("LOCALE", "", [](S s, V v) { s.locale = v.text; }),
    text("SYSLOG_IDENTITY", "fwknopd", [](S s, V v) { s.syslog_identity = v.text; }),
    text("SYSLOG_FACILITY", "LOG_DAEMON", nothing),
    yes_no("ENABLE_X_FORWARDED_FOR", "N", [](S s, V v) { s.x_forwarded_for = v.is_on; }),
    yes_no("ENABLE_DESTINATION_RULE", "N", [](S s, V v) { s.firewall.destination_rule = v.is_on; }),
    yes_no("ENABLE_RULE_PREPEND", "N", [](S s, V v) { s.firewall.rule_prepend = v.is_on; }),
    yes_no("ENABLE_NAT_DNS", "Y", [](S s, V v) { s.firewall.nat_dns = v.is_on; }),
    // Twins: a firewall knows one of each pair, so each list is in the order of the peer that was built for it.
    yes_no(
        "ENABLE_IPT_FORWARDING", "N", [](S s, V v) { s.firewall.forwarding = v.is_on; }, ipt),
    yes_no(
        "ENABLE_FIREWD_FORWARDING", "N", [](S s, V v) { s.firewall.forwarding = v.is_on; }, fwd),
    yes_no(
        "ENABLE_IPT_LOCAL_NAT", "N", [](S s, V v) { s.firewall.local_nat = v.is_on; }, ipt),
    yes_no(
        "ENABLE_FIREWD_LOCAL_NAT", "N", [](S s, V v) { s.firewall.local_nat = v.is_on; }, fwd),
    yes_no(
        "ENABLE_IPT_SNAT", "N", [](S s, V v) { s.firewall.snat = v.is_on; }, ipt),
    yes_no(
        "ENABLE_FIREWD_SNAT", "N", [](S s, V v) { s.firewall.snat = v.is_on; }, fwd),
    {{.name = "SNAT_TRANSLATE_IP", .kind = ValueKind::address}, ipt | fwd, nothing},
    yes_no(
        "ENABLE_IPT_OUTPUT", "N", [](S s, V v) { s.firewall.output = v.is_on; }, ipt),
    yes_no(
        "ENABLE_FIREWD_OUTPUT", "N", [](S s, V v) { s.firewall.output = v.is_on; }, fwd),
    yes_no(
        "FLUSH_IPT_AT_INIT", "Y", [](S s, V v) { s.firewall.flush_at_init = v.is_on; }, ipt),
    yes_no(
        "FLUSH_FIREWD_AT_INIT", "Y", [](S s, V v) { s.firewall.flush_at_init = v.is_on; }, fwd),
    yes_no(
        "FLUSH_IPT_AT_EXIT", "Y", [](S s, V v) { s.firewall.flush_at_exit = !v.is_off; }, ipt),
    yes_no(
        "FLUSH_FIREWD_AT_EXIT", "Y", [](S s, V v) { s.firewall.flush_at_exit = !v.is_off; }, fwd),
    chain("IPT_INPUT_ACCESS", "ACCEPT, filter, INPUT, 1, FWKNOP_INPUT, 1", ipt),
    chain("FIREWD_INPUT_ACCESS", "ACCEPT, filter, INPUT, 1, FWKNOP_INPUT, 1", fwd),
    chain("IPT_OUTPUT_ACCESS", "ACCEPT, filter, OUTPUT, 1, FWKNOP_OUTPUT, 1", ipt),
    chain("FIREWD_OUTPUT_ACCESS", "ACCEPT, filter, OUTPUT, 1, FWKNOP_OUTPUT, 1", fwd),
    chain("IPT_FORWARD_ACCESS", "ACCEPT, filter, FORWARD, 1, FWKNOP_FORWARD, 1", ipt),
    chain("FIREWD_FORWARD_ACCESS", "ACCEPT, filter, FORWARD, 1, FWKNOP_FORWARD, 1", fwd),
    chain("IPT_DNAT_ACCESS", "DNAT, nat, PREROUTING, 1, FWKNOP_PREROUTING, 1", ipt),
    chain("FIREWD_DNAT_ACCESS", "DNAT, nat, PREROUTING, 1, FWKNOP_PREROUTING, 1", fwd),
    chain("IPT_SNAT_ACCESS", "SNAT, nat, POSTROUTING, 1, FWKNOP_POSTROUTING, 1", ipt),
    chain("FIREWD_SNAT_ACCESS", "SNAT, nat, POSTROUTING, 1, FWKNOP_POSTROUTING, 1", fwd),
    chain("IPT_MASQUERADE_ACCESS", "MASQUERADE, nat, POSTROUTING, 1, FWKNOP_MASQUERADE, 1", ipt),
    chain("FIREWD_MASQUERADE_ACCESS", "MASQUERADE, nat, POSTROUTING, 1, FWKNOP_MASQUERADE, 1", fwd),
    yes_no(
        "ENABLE_IPT_COMMENT_CHECK", "Y", [](S s, V v) { s.firewall.comment_check = v.is_on; }, ipt),
    yes_no(
        "ENABLE_FIREWD_COMMENT_CHECK", "Y", [](S s, V v) { s.firewall.comment_check = v.is_on; }, fwd),
    yes_no(
        "FLUSH_IPFW_AT_INIT", "Y", [](S s, V v) { s.firewall.flush_at_init = v.is_on; }, ipfw),
    yes_no(
        "FLUSH_IPFW_AT_EXIT", "Y", [](S s, V v) { s.firewall.flush_at_exit = !v.is_off; }, ipfw),
    number(
        "IPFW_START_RULE_NUM", "10000", {0, 65535}, [](S s, V v) { s.firewall.ipfw_start_rule = small(v); }, ipfw),
    number(
        "IPFW_MAX_RULES", "65535", {1, 65535}, [](S s, V v) { s.firewall.ipfw_max_rules = small(v); }, ipfw),
    number(
        "IPFW_ACTIVE_SET_NUM", "1", {0, 31}, [](S s, V v) { s.firewall.ipfw_active_set = small(v); }, ipfw),
    number(
        "IPFW_EXPIRE_SET_NUM", "2", {0, 31}, [](S s, V v) { s.firewall.ipfw_expire_set = small(v); }, ipfw),
    number(
        "IPFW_EXPIRE_PURGE_INTERVAL", "30", {1, most_rules, "s"},
        [](S s, V v) { s.firewall.ipfw_expire_purge_interval = seconds(v); }, ipfw),
    yes_no(
        "IPFW_ADD_CHECK_STATE", "N", [](S s, V v) { s.firewall.ipfw_add_check_state = v.is_on; }, ipfw),
    text(
        "PF_ANCHOR_NAME", "fwknop", [](S s, V v) { s.firewall.pf_anchor = v.text.substr(0, 63); }, pf),
    number(
        "PF_EXPIRE_INTERVAL", "30", {1, most_rules, "s"}, [](S s, V v) { s.firewall.pf_expire_interval = seconds(v); },
        pf),
    path("FWKNOP_RUN_DIR", RUNSTATEDIR "/fwknop", [](S s, V v) { s.run_dir = v.text; }),
    path("FWKNOP_CONF_DIR", SYSCONFDIR "/fwknop", nothing),
    path("ACCESS_FILE", SYSCONFDIR "/fwknop/access.conf", [](S s, V v) { s.access_file = v.text; }),
    path("ACCESS_FOLDER", "", [](S s, V v) { s.access_folder = v.text; }),
    path("FWKNOP_PID_FILE", "", [](S s, V v) { s.pid_file = v.text; }),
    path("DIGEST_FILE", "", [](S s, V v) { s.digest_file = v.text; }),
    path("GPG_HOME_DIR", "/root/.gnupg", [](S s, V v) { s.gpg_home_dir = v.text; }),
    path("GPG_EXE", GPG_EXE, [](S s, V v) { s.gpg_exe = v.text; }),
    path("SUDO_EXE", "/usr/bin/sudo", [](S s, V v) { s.sudo_exe = v.text; }),
    path("FIREWALL_EXE", FIREWALL_EXE, [](S s, V v) { s.firewall.exe = v.text; }),
    text("VERBOSE", "", nothing),
    {{.name = "FAULT_INJECTION_TAG", .flags = config::ignored}, all, nothing},
    // fwknop 1.9.
    {{.name = "ENABLE_PROC_IP_FORWARD", .kind = ValueKind::yes_no, .flags = config::undumped},
     ipt | fwd,
     [](S s, V v) { s.firewall.enables_ip_forward = v.is_on; }},
});

constexpr bool names_differ() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (rows[i].text.name == rows[k].text.name) return false;
  return true;
}
static_assert(names_differ());

/// The size of the table: there is none.
std::size_t position_of(std::string_view keyword) {
  const auto found = std::ranges::find_if(rows, [keyword](const ConfRow& row) { return row.text.name == keyword; });
  return static_cast<std::size_t>(found - rows.begin());
}

constexpr auto check_order = std::to_array<std::string_view>({
    "PCAP_LOOP_SLEEP",
    "PCAP_DISPATCH_COUNT",
    "MAX_SPA_PACKET_AGE",
    "MAX_SNIFF_BYTES",
    "RULES_CHECK_THRESHOLD",
    "TCPSERV_PORT",
    "UDPSERV_PORT",
    "UDPSERV_SELECT_TIMEOUT",
    "NFQ_PORT",
    "NFQ_QUEUE_NUMBER",
    "NFQ_LOOP_SLEEP",
    "IPFW_START_RULE_NUM",
    "IPFW_MAX_RULES",
    "IPFW_ACTIVE_SET_NUM",
    "IPFW_EXPIRE_SET_NUM",
    "IPFW_EXPIRE_PURGE_INTERVAL",
    "PF_EXPIRE_INTERVAL",
});

}  // namespace

bool ConfRow::is_built() const { return !is_of_nfqueue || net::has_packet_queue(); }

std::span<const ConfRow> conf_rows() { return rows; }

std::optional<std::size_t> find_conf_row(std::string_view keyword) {
  const std::size_t row = position_of(keyword);
  return row < rows.size() && rows[row].is_built() ? std::optional(row) : std::nullopt;
}

std::size_t conf_row(std::string_view keyword) {
  const std::size_t row = position_of(keyword);
  if (row == rows.size()) throw std::logic_error("no such keyword: " + std::string(keyword));
  return row;
}

std::span<const std::string_view> integer_check_order() { return check_order; }

}  // namespace latchkey::fwknopd
