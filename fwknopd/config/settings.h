// SPDX-License-Identifier: GPL-2.0-or-later
// Settings: what fwknopd.conf, its override files and the command line say, as typed values (spec/fwknopd-config.md 3,
// 6).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/config/diagnostic.h"

namespace latchkey::fwknopd {

/// Chosen by the base name of FIREWALL_EXE, else by what is installed.
enum class FirewallKind { iptables, firewalld, ipfw, pf };

/// ENABLE_NFQ_CAPTURE: nfqueue. Else ENABLE_UDP_SERVER: Y... = udp_server, N... = pcap, else none ("No available
/// capture mode specified").
enum class CaptureMode { pcap, udp_server, nfqueue, none };

/// The netfilter queue, and the rule that fills it.
struct QueueSettings {
  std::string interface;             ///< NFQ_INTERFACE; empty = all
  std::uint16_t port = 62201;        ///< NFQ_PORT
  std::string table = "mangle";      ///< NFQ_TABLE
  std::string chain = "FWKNOP_NFQ";  ///< NFQ_CHAIN
  std::uint16_t number = 1;          ///< NFQ_QUEUE_NUMBER
  bool operator==(const QueueSettings&) const = default;
};

/// `target, table, from-chain, jump position, to-chain, rule position` (section 6.3).
struct ChainSpec {
  std::string target;
  std::string table;
  std::string from_chain;
  unsigned jump_position = 0;
  std::string to_chain;
  unsigned rule_position = 0;
  bool operator==(const ChainSpec&) const = default;
};

/// The firewall keywords. The ENABLE_IPT_* and ENABLE_FIREWD_* twins share a member; the kind tells whose value is
/// there.
struct FirewallSettings {
  FirewallKind kind = FirewallKind::iptables;
  std::string exe;                               ///< FIREWALL_EXE
  config::Place exe_place;                       ///< where that stands
  bool forwarding = false;                       ///< ENABLE_*_FORWARDING
  bool enables_ip_forward = false;               ///< ENABLE_PROC_IP_FORWARD
  bool local_nat = false;                        ///< ENABLE_*_LOCAL_NAT
  bool snat = false;                             ///< ENABLE_*_SNAT
  bool output = false;                           ///< ENABLE_*_OUTPUT
  bool flush_at_init = true;                     ///< FLUSH_*_AT_INIT
  bool flush_at_exit = true;                     ///< FLUSH_*_AT_EXIT
  bool comment_check = true;                     ///< ENABLE_*_COMMENT_CHECK
  bool rule_check_support = true;                ///< off by --no-ipt-check-support, --no-firewd-check-support
  bool destination_rule = false;                 ///< ENABLE_DESTINATION_RULE
  bool rule_prepend = false;                     ///< ENABLE_RULE_PREPEND
  bool nat_dns = true;                           ///< ENABLE_NAT_DNS
  unsigned rules_check_threshold = 20;           ///< RULES_CHECK_THRESHOLD
  std::optional<std::string> snat_translate_ip;  ///< canonical IPv4; only when ENABLE_*_SNAT is on and it is set
  ChainSpec input_chain, output_chain, forward_chain, dnat_chain, snat_chain, masquerade_chain;

  unsigned ipfw_start_rule = 10000;  ///< IPFW_START_RULE_NUM
  unsigned ipfw_max_rules = 65535;   ///< IPFW_MAX_RULES
  unsigned ipfw_active_set = 1;      ///< IPFW_ACTIVE_SET_NUM
  unsigned ipfw_expire_set = 2;      ///< IPFW_EXPIRE_SET_NUM
  std::chrono::seconds ipfw_expire_purge_interval{30};
  bool ipfw_add_check_state = false;  ///< IPFW_ADD_CHECK_STATE

  std::string pf_anchor = "fwknop";  ///< PF_ANCHOR_NAME
  std::chrono::seconds pf_expire_interval{30};
};

struct CaptureSettings {
  CaptureMode mode = CaptureMode::pcap;
  std::string interface;                                 ///< PCAP_INTF, -i
  std::string filter;                                    ///< PCAP_FILTER, -P; empty = no filter
  std::string pcap_file;                                 ///< PCAP_FILE, --pcap-file; empty = live
  bool promiscuous = false;                              ///< ENABLE_PCAP_PROMISC
  bool any_direction = false;                            ///< ENABLE_PCAP_ANY_DIRECTION, --pcap-any-direction
  bool exit_at_interface_down = true;                    ///< EXIT_AT_INTF_DOWN
  unsigned dispatch_count = 100;                         ///< PCAP_DISPATCH_COUNT
  std::chrono::microseconds loop_sleep{100000};          ///< PCAP_LOOP_SLEEP
  unsigned max_sniff_bytes = 1500;                       ///< MAX_SNIFF_BYTES
  unsigned packet_limit = 0;                             ///< -C; 0 = none
  bool tcp_server = false;                               ///< ENABLE_TCP_SERVER
  std::uint16_t tcp_server_port = 62201;                 ///< TCPSERV_PORT
  std::uint16_t udp_server_port = 62201;                 ///< UDPSERV_PORT
  std::chrono::microseconds udp_select_timeout{500000};  ///< UDPSERV_SELECT_TIMEOUT
  QueueSettings queue;
};

struct Settings {
  CaptureSettings capture;
  FirewallSettings firewall;

  // How the program runs (command line).
  bool foreground = false;               ///< -f, and the --exit-parse-* options
  bool test_mode = false;                ///< -t: no firewall changes, no command cycles
  bool rotate_digest_cache = false;      ///< --rotate-digest-cache
  bool exit_parse_digest_cache = false;  ///< --exit-parse-digest-cache
  bool syslog_enable = false;            ///< --syslog-enable: with -f, both
  int verbosity = 0;                     ///< VERBOSE plus -v, 0..255

  // Packets.
  bool packet_aging = true;                  ///< ENABLE_SPA_PACKET_AGING
  std::chrono::seconds max_packet_age{120};  ///< MAX_SPA_PACKET_AGE
  bool digest_persistence = true;            ///< ENABLE_DIGEST_PERSISTENCE
  bool spa_over_http = false;                ///< ENABLE_SPA_OVER_HTTP
  bool any_user_agent = false;               ///< ALLOW_ANY_USER_AGENT
  bool x_forwarded_for = false;              ///< ENABLE_X_FORWARDED_FOR
  std::chrono::seconds cmd_exec_timeout{0};  ///< CMD_EXEC_TIMEOUT; 0 = none

  // Paths: absolute, whatever was configured (the dump shows them as given).
  std::string run_dir;        ///< FWKNOP_RUN_DIR
  std::string pid_file;       ///< FWKNOP_PID_FILE
  std::string digest_file;    ///< DIGEST_FILE
  std::string access_file;    ///< ACCESS_FILE, exactly as given (texts name it)
  std::string access_folder;  ///< ACCESS_FOLDER; empty = none
  std::string gpg_home_dir;   ///< GPG_HOME_DIR
  std::string gpg_exe;        ///< GPG_EXE
  std::string sudo_exe;       ///< SUDO_EXE

  std::string syslog_identity = "fwknopd";  ///< SYSLOG_IDENTITY
  int syslog_facility = 0;                  ///< SYSLOG_FACILITY as the number of syslog(3), LOG_DAEMON...
  std::string locale;                       ///< LOCALE; empty = leave alone

  /// The texts behind the values, in the order of the directive table, for the dump; nullopt = `<not set>`.
  std::vector<std::optional<std::string>> texts;
};

/// "iptables", "firewalld", "ipfw", "pf".
const char* name_of(FirewallKind kind);

}  // namespace latchkey::fwknopd
