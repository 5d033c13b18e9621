// SPDX-License-Identifier: GPL-2.0-or-later
// The keyword table of access.conf.
#include "fwknopd/config/access_table.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/text.h"
#include "common/config/line_reader.h"
#include "common/net/address.h"
#include "common/os/user.h"
#include "common/spa/keys.h"
#include "common/spa/types.h"
#include "fwknopd/config/expiry_date.h"
#include "fwknopd/config/path_check.h"

namespace latchkey::fwknopd {
namespace {

using config::ValueKind;
using Line = AccessLine&;

constexpr std::int64_t most_timeout = 8388608;
constexpr std::string_view hidden = "***";

// --- keys ---------------------------------------------------------------------------------------------------------

bool is_unset(Line line) {
  if (!equals_ignoring_case(line.value, "__CHANGEME__")) return false;
  line.fail("[*] {} value is not properly set in stanza source '{}' in access file: '{}'", line.keyword,
            line.stanza.source_text, line.path());
  return true;
}

struct KeySlot {
  std::optional<crypto::SecretBytes>& key;
  bool& is_base64;
};

bool set_passphrase(Line line, KeySlot slot) {
  if (is_unset(line)) return false;
  slot.key = crypto::SecretBytes::copy_of(line.value);
  slot.is_base64 = false;
  return true;
}

bool set_base64(Line line, KeySlot slot) {
  if (is_unset(line)) return false;
  auto key = spa::parse_base64_key(line.value);
  // "=" holds no key: taken for none, it would switch the HMAC off.
  if (!key || key->is_empty())
    return line.fail("[*] {} argument '{}' doesn't look like base64-encoded data.", line.keyword, hidden);
  slot.key = std::move(*key);
  slot.is_base64 = true;
  return true;
}

KeySlot key(Line line) { return {line.stanza.key, line.stanza.key_is_base64}; }
KeySlot hmac_key(Line line) { return {line.stanza.hmac_key, line.stanza.hmac_key_is_base64}; }

bool set_hmac_type(Line line) {
  const auto type = crypto::parse_digest_type(line.value);
  if (!type)
    return line.fail(
        "[*] HMAC_DIGEST_TYPE argument '{}' must be one of {{md5,sha1,sha256,sha384,sha512,sha3_256,sha3_512}}",
        line.value);
  line.stanza.hmac_type = *type;
  return true;
}

bool set_mode(Line line) {
  const auto mode = spa::parse_encryption_mode(line.value);
  if (!mode) return line.fail("[*] Unrecognized ENCRYPTION_MODE '{}', use {{CBC,CTR,legacy,Asymmetric}}", line.value);
  line.stanza.mode = *mode;
  return true;
}

// --- plain values -------------------------------------------------------------------------------------------------

template <class T>
bool put(T& slot, T value) {
  slot = std::move(value);
  return true;
}
bool put_text(std::optional<std::string>& slot, Line line) {
  return put<std::optional<std::string>>(slot, std::string(line.value));
}
// Lists are parsed when the whole tree has been read; their place is kept for what may be wrong in them.
bool put_list(std::optional<std::string>& slot, config::Place& place, Line line) {
  place = line.place;
  return put_text(slot, line);
}
bool put_yes(bool& slot, Line line) { return put(slot, config::is_yes(line.value)); }

bool set_timeout(Line line, std::chrono::seconds& slot) {
  const auto value = config::parse_strict_number(line.value, 0, most_timeout);
  if (!value) return line.fail("[*] {} value not in range.", line.keyword);
  return put(slot, std::chrono::seconds(*value));
}

bool set_expiry_date(Line line) {
  const auto date = parse_expiry_date(config::cut_comment(line.value));
  if (!date)
    return line.fail("[*] Fatal: invalid date value '{}' (need MM/DD/YYYY) for access stanza expiration time",
                     line.value);
  return put(line.stanza.expires_at_s, date);
}

bool set_expiry_epoch(Line line) {
  const auto value = config::parse_strict_number(line.value, 0, std::numeric_limits<std::int64_t>::max());
  if (!value)
    return line.fail("[*] Fatal: invalid epoch seconds value '{}' for access stanza expiration time", line.value);
  line.stanza.expires_at_s = *value == 0 ? std::nullopt : value;
  return true;
}

bool set_cycle_timer(Line line) {
  const auto value = config::parse_strict_number(line.value, 1, most_timeout);
  if (!value) return line.fail("[*] CMD_CYCLE_TIMER value not in range [1,8388608].");
  return put(line.stanza.cycle_timer_s, static_cast<unsigned>(*value));
}

// --- users --------------------------------------------------------------------------------------------------------

std::string_view reason(const Error& error, std::string_view not_found) {
  return error.os_code == ENOENT || error.os_code == 0 ? not_found : std::string_view(std::strerror(error.os_code));
}

bool set_user(Line line, CommandUser& slot, gid_t& primary_gid) {
  const std::string name(line.value);
  const auto user = os::find_user(name);
  if (!user)
    return line.fail("[*] Unable to determine UID for {}: {}.", line.keyword,
                     reason(user.error(), "Not a user on this system"));
  slot.user = name;
  slot.uid = user->uid;
  primary_gid = user->gid;
  return true;
}

bool set_group(Line line, CommandUser& slot, bool& has_group) {
  const std::string name(line.value);
  const auto group = os::find_group(name);
  if (group) {
    slot.gid = *group;
  } else {
    // The peer looks the name up as a user's; files that rely on it go on working.
    const auto user = os::find_user(name);
    if (!user)
      return line.fail("[*] Unable to determine GID for {}: {}.", line.keyword,
                       reason(user.error(), "Not a group on this system"));
    slot.gid = user->gid;
  }
  slot.group = name;
  has_group = true;
  return true;
}

// --- NAT ----------------------------------------------------------------------------------------------------------

bool allows_nat(Line line) {
  const FirewallSettings& firewall = line.settings.firewall;
  if (firewall.kind == FirewallKind::ipfw || firewall.kind == FirewallKind::pf)
    return line.fail("[*] {} not supported.", line.keyword);
  if (firewall.forwarding || firewall.local_nat) return true;
  const std::string_view prefix = firewall.kind == FirewallKind::firewalld ? "FIREWD" : "IPT";
  return line.fail("[*] {} requires either ENABLE_{}_FORWARDING or ENABLE_{}_LOCAL_NAT in fwknopd.conf", line.keyword,
                   prefix, prefix);
}

std::optional<std::string> canonical_ipv4(std::string_view text) {
  const auto address = net::parse_ip_address(text);
  if (!address || !address->is_v4()) return std::nullopt;
  return net::format_ip_address(*address);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::string_view rest = strip_left(text); !rest.empty();) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if(rest, is_blank) - rest.begin());
    words.push_back(rest.substr(0, end));
    rest = strip_left(rest.substr(end));
  }
  return words;
}

bool set_force_nat(Line line) {
  if (!allows_nat(line)) return false;
  const std::string_view value = config::cut_comment(line.value);
  const auto words = words_of(value);
  const auto number = words.size() == 2 ? parse_number<std::int64_t>(words[1]) : std::nullopt;
  if (!number) return line.fail("[*] Fatal: invalid FORCE_NAT arg '{}', need <IP> <PORT>", line.value);
  if (*number < 0 || *number > 65535) return line.fail("[*] Fatal: invalid FORCE_NAT port '{}'", words[1]);
  auto ip = canonical_ipv4(words[0]);
  if (!ip) return line.fail("[*] Fatal: invalid FORCE_NAT IP '{}'", words[0]);
  line.stanza.force_nat = ForceNat{std::move(*ip), static_cast<std::uint16_t>(*number)};
  return true;
}

bool set_force_snat(Line line) {
  if (!allows_nat(line)) return false;
  const auto words = words_of(config::cut_comment(line.value));
  if (words.size() != 1) return line.fail("[*] Fatal: invalid FORCE_SNAT arg '{}', need <IP>", line.value);
  line.stanza.force_snat_ip = canonical_ipv4(words[0]);
  if (!line.stanza.force_snat_ip) return line.fail("[*] Fatal: invalid FORCE_SNAT IP '{}'", words[0]);
  return true;
}

// --- GPG ----------------------------------------------------------------------------------------------------------

bool set_gpg_home(Line line) {
  const std::string path(line.value);
  if (const auto problem = check_path(path, PathKind::folder)) {
    if (!problem->text.empty()) line.report.detail("{}", problem->text);
    return line.fail(
        "[*] GPG_HOME_DIR directory '{}' stat()/existence problem in stanza source '{}' in access file: '{}'", path,
        line.stanza.source_text, line.path());
  }
  return put_text(line.stanza.gpg.home_dir, line);
}

bool set_gpg_password(Line line) {
  if (is_unset(line)) return false;
  line.stanza.gpg.is_used = true;
  return put(line.stanza.gpg.decrypt_password, crypto::SecretBytes::copy_of(line.value));
}

bool set_gpg_no_password(Line line) {
  if (!config::is_yes(line.value)) return true;
  line.stanza.gpg.is_used = line.stanza.gpg.allow_no_password = true;
  return put(line.stanza.gpg.decrypt_password, crypto::SecretBytes());
}

// --- the table ----------------------------------------------------------------------------------------------------

constexpr AccessRow row(std::string_view name, ValueKind kind, AccessSet set, bool is_key_file_keyword = false) {
  return {{.name = name, .kind = kind}, is_key_file_keyword, set};
}
constexpr AccessRow reader_row(std::string_view name, ValueKind kind, unsigned flags) {
  return {{.name = name, .kind = kind, .flags = flags}, false, nullptr};
}
constexpr AccessRow yes_no(std::string_view name, AccessSet set, bool is_key_file_keyword = false) {
  return {{.name = name, .kind = ValueKind::yes_no, .fallback = "N"}, is_key_file_keyword, set};
}
constexpr AccessRow number(std::string_view name, std::int64_t least, std::string_view fallback, AccessSet set) {
  return {{.name = name,
           .kind = ValueKind::number,
           .unit = "s",
           .least = least,
           .most = most_timeout,
           .fallback = fallback},
          false,
          set};
}
constexpr bool in_key_files = true;

constexpr auto
    rows =
        std::to_array<AccessRow>(
            {
                reader_row("%include", ValueKind::path, config::repeatable),
                reader_row("%include_folder", ValueKind::path, config::repeatable),
                reader_row("%include_keys", ValueKind::path, config::repeatable),
                reader_row("SOURCE", ValueKind::address_list, config::starts_stanza),
                row("DESTINATION", ValueKind::address_list,
                    [](Line l) { return put_list(l.stanza.destination_text, l.draft.destination_place, l); }),
                row("OPEN_PORTS", ValueKind::port_list,
                    [](Line l) { return put_list(l.stanza.open_ports_text, l.draft.open_ports_place, l); }),
                row("RESTRICT_PORTS", ValueKind::port_list,
                    [](Line l) { return put_list(l.stanza.restrict_ports_text, l.draft.restrict_ports_place, l); }),
                row(
                    "KEY", ValueKind::secret, [](Line l) { return set_passphrase(l, key(l)); }, in_key_files),
                row(
                    "KEY_BASE64", ValueKind::secret, [](Line l) { return set_base64(l, key(l)); }, in_key_files),
                row(
                    "HMAC_KEY", ValueKind::secret, [](Line l) { return set_passphrase(l, hmac_key(l)); }, in_key_files),
                row(
                    "HMAC_KEY_BASE64", ValueKind::secret, [](Line l) { return set_base64(l, hmac_key(l)); },
                    in_key_files),
                {{.name = "HMAC_DIGEST_TYPE", .kind = ValueKind::choice, .fallback = "sha256"}, false, set_hmac_type},
                {{.name = "ENCRYPTION_MODE", .kind = ValueKind::choice, .fallback = "CBC"}, false, set_mode},
                number("FW_ACCESS_TIMEOUT", 0, "30", [](Line l) { return set_timeout(l, l.stanza.fw_access_timeout); }),
                number("MAX_FW_TIMEOUT", 0, "300", [](Line l) { return set_timeout(l, l.stanza.max_fw_timeout); }),
                row("ACCESS_EXPIRE", ValueKind::date, set_expiry_date),
                row("ACCESS_EXPIRE_EPOCH", ValueKind::date, set_expiry_epoch),
                yes_no("ENABLE_CMD_EXEC", [](Line l) { return put_yes(l.stanza.enable_cmd_exec, l); }),
                yes_no("ENABLE_CMD_SUDO_EXEC", [](Line l) { return put_yes(l.stanza.enable_cmd_sudo_exec, l); }),
                row("CMD_EXEC_USER", ValueKind::user,
                    [](Line l) { return set_user(l, l.stanza.cmd_exec, l.draft.user_gid); }),
                row("CMD_EXEC_GROUP", ValueKind::user,
                    [](Line l) { return set_group(l, l.stanza.cmd_exec, l.draft.has_group); }),
                row("CMD_SUDO_EXEC_USER", ValueKind::user,
                    [](Line l) { return set_user(l, l.stanza.cmd_sudo_exec, l.draft.sudo_user_gid); }),
                row("CMD_SUDO_EXEC_GROUP", ValueKind::user,
                    [](Line l) { return set_group(l, l.stanza.cmd_sudo_exec, l.draft.has_sudo_group); }),
                row("CMD_CYCLE_OPEN", ValueKind::text, [](Line l) { return put_text(l.draft.cycle_open, l); }),
                row("CMD_CYCLE_CLOSE", ValueKind::text, [](Line l) { return put_text(l.draft.cycle_close, l); }),
                number("CMD_CYCLE_TIMER", 1, "", set_cycle_timer),
                row("REQUIRE_USERNAME", ValueKind::text, [](Line l) { return put_text(l.stanza.require_username, l); }),
                yes_no("REQUIRE_SOURCE_ADDRESS", [](Line l) { return put_yes(l.stanza.require_source_address, l); }),
                {{.name = "REQUIRE_SOURCE", .kind = ValueKind::yes_no, .fallback = "N", .flags = config::synonym},
                 false,
                 [](Line l) { return put_yes(l.stanza.require_source_address, l); }},
                row("FORCE_NAT", ValueKind::address, set_force_nat),
                row("FORCE_SNAT", ValueKind::address, set_force_snat),
                yes_no("FORCE_MASQUERADE", [](Line l) { return put_yes(l.stanza.force_masquerade, l); }),
                yes_no("DISABLE_DNAT", [](Line l) { return put_yes(l.stanza.disable_dnat, l); }),
                yes_no("FORWARD_ALL", [](Line l) { return put_yes(l.stanza.forward_all, l); }),
                row("GPG_HOME_DIR", ValueKind::path, set_gpg_home),
                row("GPG_EXE", ValueKind::path, [](Line l) { return put_text(l.stanza.gpg.exe, l); }),
                row(
                    "GPG_DECRYPT_ID", ValueKind::text, [](Line l) { return put_text(l.stanza.gpg.decrypt_id, l); },
                    in_key_files),
                row("GPG_DECRYPT_PW", ValueKind::secret, set_gpg_password, in_key_files),
                yes_no("GPG_ALLOW_NO_PW", set_gpg_no_password, in_key_files),
                row(
                    "GPG_REQUIRE_SIG", ValueKind::yes_no,
                    [](Line l) { return put_yes(l.stanza.gpg.require_signature, l); }, in_key_files),
                yes_no(
                    "GPG_DISABLE_SIG", [](Line l) { return put_yes(l.stanza.gpg.disable_signature, l); }, in_key_files),
                yes_no(
                    "GPG_IGNORE_SIG_VERIFY_ERROR",
                    [](Line l) { return put_yes(l.stanza.gpg.ignore_signature_errors, l); }, in_key_files),
                row(
                    "GPG_REMOTE_ID", ValueKind::text, [](Line l) { return put_text(l.stanza.gpg.remote_ids_text, l); },
                    in_key_files),
                row(
                    "GPG_FINGERPRINT_ID", ValueKind::text,
                    [](Line l) { return put_text(l.stanza.gpg.fingerprint_ids_text, l); }, in_key_files),
                {{.name = "ENABLE_FORWARD_ACCESS", .kind = ValueKind::yes_no, .flags = config::ignored},
                 false,
                 [](Line l) {
                   if (config::is_yes(l.value) != l.settings.firewall.forwarding)
                     l.report.warning(log::Level::info, l.place,
                                      "Warning: ENABLE_FORWARD_ACCESS of fwknop 1.9 in {} at line {}: "
                                      "ENABLE_IPT_FORWARDING in fwknopd.conf decides for all stanzas",
                                      l.path(), l.place.line);
                   return true;
                 }},
                {{.name = "PERMIT_CLIENT_PORTS", .kind = ValueKind::yes_no, .flags = config::ignored},
                 false,
                 [](Line l) { return put<std::optional<bool>>(l.draft.permit_client_ports, config::is_yes(l.value)); }},
            });

constexpr bool names_differ() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (rows[i].text.name == rows[k].text.name) return false;
  return true;
}
static_assert(names_differ());

}  // namespace

std::span<const AccessRow> access_rows() { return rows; }

const AccessRow* find_access_row(std::string_view keyword) {
  const auto found =
      std::ranges::find_if(rows, [keyword](const AccessRow& candidate) { return candidate.text.name == keyword; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace latchkey::fwknopd
