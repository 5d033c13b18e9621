// SPDX-License-Identifier: GPL-2.0-or-later
// The -D dump.
#include "fwknopd/config/dump.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "fwknopd/config/conf_table.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::string_view not_set = "<not set>";
constexpr std::string_view hidden = "<see the access.conf file>";

using S = const Stanza&;

std::string text(const std::optional<std::string>& value) { return value.value_or(std::string(not_set)); }
std::string yes_no(bool value) { return value ? "Yes" : "No"; }
std::string secret(bool is_set) { return std::string(is_set ? hidden : not_set); }
std::string number(std::int64_t value) { return fmt::format("{}", value); }
std::string size_of(const std::optional<crypto::SecretBytes>& key) {
  return number(key ? static_cast<std::int64_t>(key->size()) : 0);
}

std::string expiry(S stanza) {
  if (!stanza.expires_at_s || *stanza.expires_at_s <= 0) return std::string(not_set);
  const std::time_t time = *stanza.expires_at_s;
  std::tm local{};
  std::array<char, 64> line{};
  if (::localtime_r(&time, &local) == nullptr ||
      std::strftime(line.data(), line.size(), "%a %b %e %H:%M:%S %Y", &local) == 0)
    return number(*stanza.expires_at_s);
  return line.data();
}

std::optional<std::string> cycle_open(S s) { return s.cycle ? std::optional(s.cycle->open) : std::nullopt; }
std::optional<std::string> nat_ip(S s) { return s.force_nat ? std::optional(s.force_nat->ip) : std::nullopt; }

struct Row {
  std::string_view label;
  std::string (*value)(S);
};

constexpr auto rows = std::to_array<Row>({
    {"DESTINATION", [](S s) { return text(s.destination_text); }},
    {"OPEN_PORTS", [](S s) { return text(s.open_ports_text); }},
    {"RESTRICT_PORTS", [](S s) { return text(s.restrict_ports_text); }},
    {"KEY", [](S s) { return secret(s.key.has_value()); }},
    {"KEY_BASE64", [](S s) { return secret(s.key && s.key_is_base64); }},
    {"KEY_LEN", [](S s) { return size_of(s.key); }},
    {"HMAC_KEY", [](S s) { return secret(s.hmac_key.has_value()); }},
    {"HMAC_KEY_BASE64", [](S s) { return secret(s.hmac_key && s.hmac_key_is_base64); }},
    {"HMAC_KEY_LEN", [](S s) { return size_of(s.hmac_key); }},
    {"HMAC_DIGEST_TYPE", [](S s) { return number(static_cast<int>(s.hmac_type)); }},
    {"FW_ACCESS_TIMEOUT", [](S s) { return number(s.fw_access_timeout.count()); }},
    {"MAX_FW_TIMEOUT", [](S s) { return number(s.max_fw_timeout.count()); }},
    {"ENABLE_CMD_EXEC", [](S s) { return yes_no(s.enable_cmd_exec); }},
    {"ENABLE_CMD_SUDO_EXEC", [](S s) { return yes_no(s.enable_cmd_sudo_exec); }},
    {"CMD_SUDO_EXEC_USER", [](S s) { return text(s.cmd_sudo_exec.user); }},
    {"CMD_SUDO_EXEC_GROUP", [](S s) { return text(s.cmd_sudo_exec.group); }},
    {"CMD_EXEC_USER", [](S s) { return text(s.cmd_exec.user); }},
    {"CMD_EXEC_GROUP", [](S s) { return text(s.cmd_exec.group); }},
    {"CMD_CYCLE_OPEN", [](S s) { return text(cycle_open(s)); }},
    {"CMD_CYCLE_CLOSE", [](S s) { return text(s.cycle_close_text); }},
    {"CMD_CYCLE_TIMER", [](S s) { return number(s.cycle_timer_s); }},
    {"REQUIRE_USERNAME", [](S s) { return text(s.require_username); }},
    {"REQUIRE_SOURCE_ADDRESS", [](S s) { return yes_no(s.require_source_address); }},
    {"FORCE_NAT (ip)", [](S s) { return text(nat_ip(s)); }},
    {"FORCE_NAT (proto)", [](S) { return std::string(not_set); }},
    {"FORCE_NAT (port)", [](S s) { return number(s.force_nat ? s.force_nat->port : 0); }},
    {"FORCE_SNAT (ip)", [](S s) { return text(s.force_snat_ip); }},
    {"FORCE_MASQUERADE", [](S s) { return yes_no(s.force_masquerade); }},
    {"DISABLE_DNAT", [](S s) { return yes_no(s.disable_dnat); }},
    {"FORWARD_ALL", [](S s) { return yes_no(s.forward_all); }},
    {"ACCESS_EXPIRE", expiry},
    {"GPG_HOME_DIR", [](S s) { return text(s.gpg.home_dir); }},
    {"GPG_EXE", [](S s) { return text(s.gpg.exe); }},
    {"GPG_DECRYPT_ID", [](S s) { return text(s.gpg.decrypt_id); }},
    {"GPG_DECRYPT_PW", [](S s) { return secret(s.gpg.is_used); }},
    {"GPG_REQUIRE_SIG", [](S s) { return yes_no(s.gpg.require_signature); }},
    {"GPG_IGNORE_SIG_VERIFY_ERROR", [](S s) { return yes_no(s.gpg.ignore_signature_errors); }},
    {"GPG_REMOTE_ID", [](S s) { return text(s.gpg.remote_ids_text); }},
    {"GPG_FINGERPRINT_ID", [](S s) { return text(s.gpg.fingerprint_ids_text); }},
});

}  // namespace

std::string dump_settings(const Settings& settings) {
  std::string dump = "Current fwknopd config settings:\n";
  std::size_t index = 0;
  for (std::size_t i = 0; i < conf_rows().size(); ++i) {
    const ConfRow& row = conf_rows()[i];
    if (!row.knows(settings.firewall.kind) || row.text.has(config::undumped)) continue;
    const std::optional<std::string>& value = settings.texts.at(i);
    dump += fmt::format("{:3}. {:28} =  '{}'\n", index++, row.text.name, value ? std::string_view(*value) : not_set);
  }
  return dump + "\n";
}

std::string dump_stanzas(const std::vector<Stanza>& stanzas) {
  std::string dump = "Current fwknopd access settings:\n";
  for (const Stanza& stanza : stanzas) {
    dump += fmt::format("SOURCE ({}):  {}\n{:=<62}\n", stanza.number, stanza.source_text, "");
    for (const Row& row : rows) dump += fmt::format("{:>27}:  {}\n", row.label, row.value(stanza));
    dump += "\n";
  }
  return dump + "\n";
}

}  // namespace latchkey::fwknopd
