// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of stanzas.
#include "fwknopd/config/access_checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "common/base/text.h"
#include "common/config/directive.h"
#include "common/crypto/digest.h"
#include "common/spa/types.h"
#include "fwknopd/config/lists.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t longest_cycle_text = 255;
constexpr std::chrono::seconds default_timeout{30};
constexpr std::chrono::seconds default_max_timeout{300};

class StanzaCheck {
 public:
  StanzaCheck(Draft& draft, const Settings& settings, Report& report, Severity severity)
      : draft_(draft),
        stanza_(draft.stanza),
        source_(draft.stanza.source_text),
        settings_(settings),
        report_(report),
        severity_(severity) {}

  bool run() {
    return check_keys() && check_nat() && check_source_address() && check_groups() && check_ports() && check_cycle();
  }

 private:
  template <class... T>
  bool fail(fmt::format_string<T...> format, const T&... values) {
    if (severity_ == Severity::fatal) {
      report_.error<T...>(draft_.place, format, values...);
    } else {
      report_.warning<T...>(log::Level::error, draft_.place, format, values...);
    }
    return false;
  }
  void warn_once(const std::string& text) {
    if (draft_.told.insert(text).second) report_.warning(log::Level::info, draft_.place, "{}", text);
  }

  bool check_keys() {
    const GpgStanza& gpg = stanza_.gpg;
    const bool has_key = stanza_.key && !stanza_.key->is_empty();
    if (!has_key && !(gpg.is_used && (gpg.allow_no_password || !gpg.decrypt_password.is_empty())))
      return fail("[*] No keys found for access stanza source: '{}'", source_);
    if (has_key && stanza_.mode == spa::EncryptionMode::legacy && stanza_.key->size() > spa::limit::legacy_cipher_key) {
      warn_once(fmt::format(
          "Warning: truncating encryption key in legacy mode to 16 bytes for access stanza source: '{}'", source_));
      stanza_.key->shrink(spa::limit::legacy_cipher_key);
    }
    if (!stanza_.hmac_key) return true;
    const ByteView hmac = stanza_.hmac_key->view();
    const bool is_key = has_key && crypto::equal_in_constant_time(hmac, stanza_.key->view());
    const bool is_password = gpg.is_used && !gpg.decrypt_password.is_empty() &&
                             crypto::equal_in_constant_time(hmac, gpg.decrypt_password.view());
    if (is_key || is_password)
      return fail("[*] The encryption passphrase and HMAC key should not be identical for access stanza source: '{}'",
                  source_);
    return true;
  }

  bool check_nat() {
    const FirewallKind kind = settings_.firewall.kind;
    const bool wants_snat = stanza_.force_snat_ip || stanza_.force_masquerade;
    if (kind == FirewallKind::ipfw || kind == FirewallKind::pf || !wants_snat || stanza_.force_nat) return true;
    if (!stanza_.forward_all)
      return fail("[*] FORCE_SNAT/FORCE_MASQUERADE requires either FORCE_NAT or FORWARD_ALL: '{}'", source_);
    stanza_.force_nat = ForceNat{"0.0.0.0", 0};
    return true;
  }

  bool check_source_address() {
    if (!stanza_.require_source_address)
      warn_once(fmt::format("Warning: REQUIRE_SOURCE_ADDRESS not enabled for access stanza source: '{}'", source_));
    return true;
  }

  bool check_groups() {
    CommandUser& user = stanza_.cmd_exec;
    if (user.user && user.uid != 0 && (!draft_.has_group || user.gid == 0)) {
      user.gid = draft_.user_gid;
      tell_once(fmt::format(
          "Setting gid to group associated with CMD_EXEC_USER '{}' for setgid() execution in stanza source: '{}'",
          *user.user, source_));
    }
    CommandUser& sudo_user = stanza_.cmd_sudo_exec;
    if (sudo_user.user && sudo_user.uid != 0 && (!draft_.has_sudo_group || sudo_user.gid == 0)) {
      sudo_user.gid = draft_.sudo_user_gid;
      tell_once(fmt::format("Setting gid to group associated with CMD_SUDO_EXEC_USER '{}' in stanza source: '{}'",
                            *sudo_user.user, source_));
    }
    return true;
  }
  void tell_once(const std::string& text) {
    if (draft_.told.insert(text).second) report_.tell(log::Level::info, "{}", text);
  }

  // fwknop 1.9: with N, a client gets the ports of OPEN_PORTS and no others. Where 1.9 had no OPEN_PORTS it opened
  // nothing; an empty list does the same here.
  bool check_ports() {
    if (!draft_.permit_client_ports) return true;
    if (*draft_.permit_client_ports) {
      if (stanza_.open_ports_text)
        warn_once(fmt::format(
            "Warning: PERMIT_CLIENT_PORTS of fwknop 1.9: OPEN_PORTS limits the client for stanza source: '{}'",
            source_));
    } else if (!stanza_.open_ports_text) {
      stanza_.open_ports = PortSet();
      warn_once(fmt::format(
          "Warning: PERMIT_CLIENT_PORTS of fwknop 1.9: no port is opened without OPEN_PORTS for stanza source: '{}'",
          source_));
    }
    return true;
  }

  bool check_cycle() {
    const auto& open = draft_.cycle_open;
    const auto& close = draft_.cycle_close;
    if (!open && !close) return true;
    if (!open) return fail("[*] Cannot set CMD_CYCLE_CLOSE without also setting CMD_CYCLE_OPEN: '{}'", source_);
    if (!close) return fail("[*] Cannot set CMD_CYCLE_OPEN without also setting CMD_CYCLE_CLOSE: '{}'", source_);
    const bool has_close = !close->starts_with("NONE");
    if (has_close && stanza_.cycle_timer_s == 0)
      return fail("[*] Must set the CMD_CYCLE_TIMER for command cycle functionality: '{}'", source_);
    if (open->size() > longest_cycle_text) return fail("[*] CMD_CYCLE_OPEN command is too long: '{}'", source_);
    if (close->size() > longest_cycle_text) return fail("[*] CMD_CYCLE_CLOSE command is too long: '{}'", source_);
    stanza_.cycle_close_text = *close;
    stanza_.cycle =
        CommandCycle{*open, has_close ? *close : std::string(), std::chrono::seconds(stanza_.cycle_timer_s)};
    return true;
  }

  Draft& draft_;
  Stanza& stanza_;
  const std::string& source_;
  const Settings& settings_;
  Report& report_;
  Severity severity_;
};

// --- lists --------------------------------------------------------------------------------------------------------

template <class List>
bool expand_list(const config::Place& place, std::string_view keyword, const std::string& text,
                 Result<List> (*parse)(std::string_view), List& list, Report& report) {
  auto parsed = parse(text);
  if (parsed) {
    list = std::move(*parsed);
    return true;
  }
  if (!parsed.error().text.empty()) report.detail("{}", parsed.error().text);
  report.error(place, "[*] Fatal invalid {} in access stanza", keyword);
  return report.goes_on();
}

std::vector<std::string> split_ids(const std::optional<std::string>& text) {
  std::vector<std::string> ids;
  if (!text) return ids;
  for (const std::string_view item : split(*text, ',')) ids.emplace_back(strip(item));
  return ids;
}

bool expand_lists(Draft& draft, Report& report) {
  Stanza& stanza = draft.stanza;
  if (!expand_list(draft.source_place, "SOURCE", stanza.source_text, parse_address_list, stanza.source, report))
    return false;
  if (stanza.destination_text && !expand_list(draft.destination_place, "DESTINATION", *stanza.destination_text,
                                              parse_address_list, stanza.destination.emplace(), report))
    return false;
  if (stanza.open_ports_text && !expand_list(draft.open_ports_place, "OPEN_PORTS", *stanza.open_ports_text,
                                             parse_port_set, stanza.open_ports.emplace(), report))
    return false;
  if (stanza.restrict_ports_text &&
      !expand_list(draft.restrict_ports_place, "RESTRICT_PORTS", *stanza.restrict_ports_text, parse_port_set,
                   stanza.restrict_ports.emplace(), report))
    return false;
  stanza.gpg.remote_ids = split_ids(stanza.gpg.remote_ids_text);
  stanza.gpg.fingerprint_ids = split_ids(stanza.gpg.fingerprint_ids_text);
  return true;
}

// --- defaults -----------------------------------------------------------------------------------------------------

bool complete_gpg(Draft& draft, const Settings& settings, Report& report) {
  GpgStanza& gpg = draft.stanza.gpg;
  const auto& [source, number] = std::pair(draft.stanza.source_text, draft.stanza.number);
  if (!gpg.is_used) return true;
  if (!gpg.home_dir) gpg.home_dir = settings.gpg_home_dir;
  if (gpg.disable_signature && !gpg.require_signature) {
    report.warning(log::Level::info, draft.place,
                   "Warning: GPG_REQUIRE_SIG should really be enabled for stanza source: '{}' (#{})", source, number);
    return true;
  }
  if (gpg.disable_signature) {
    report.warning(
        log::Level::info, draft.place,
        "Warning: GPG_REQUIRE_SIG and GPG_DISABLE_SIG are both set, will check sigs (stanza source: '{}' #{})", source,
        number);
    return true;
  }
  gpg.require_signature = true;
  if (!gpg.remote_ids_text && !gpg.fingerprint_ids_text)
    report.error(draft.place,
                 "Warning: Must have either sig ID's or fingerprints to check via GPG_REMOTE_ID or GPG_FINGERPRINT_ID "
                 "(stanza source: '{}' #{})",
                 source, number);
  return report.goes_on();
}

// Accepted by the peer's reader, and then refused for every packet.
void warn_of_useless_keys(const Draft& draft, Report& report) {
  const Stanza& stanza = draft.stanza;
  if (stanza.key && stanza.key->size() > spa::limit::cipher_key && report.is_checking())
    report.advise(draft.place, fmt::format("the encryption key has more than {} bytes: no packet can be decrypted",
                                           spa::limit::cipher_key));
  if (stanza.key && stanza.mode == spa::EncryptionMode::asymmetric)
    report.advise(
        draft.place,
        "ENCRYPTION_MODE Asymmetric is not for a key: no packet can be decrypted with it; GnuPG needs no mode");
  if (stanza.hmac_key && stanza.hmac_key->size() > spa::limit::hmac_key)
    report.warning(log::Level::info, draft.place,
                   "Warning: HMAC key over {} bytes, no packet can match stanza source: '{}' (#{})",
                   spa::limit::hmac_key, stanza.source_text, stanza.number);
}

bool complete(Draft& draft, const Settings& settings, Report& report) {
  Stanza& stanza = draft.stanza;
  if (stanza.fw_access_timeout.count() == 0) stanza.fw_access_timeout = default_timeout;
  stanza.max_fw_timeout_is_set = stanza.max_fw_timeout.count() != 0;
  if (!stanza.max_fw_timeout_is_set) stanza.max_fw_timeout = default_max_timeout;
  if (stanza.max_fw_timeout < stanza.fw_access_timeout)
    report.warning(log::Level::info, draft.place,
                   "Warning: MAX_FW_TIMEOUT < FW_ACCESS_TIMEOUT, honoring MAX_FW_TIMEOUT for stanza source: '{}' (#{})",
                   stanza.source_text, stanza.number);
  if (stanza.hmac_key && stanza.hmac_type == spa::DigestType::none) stanza.hmac_type = spa::DigestType::sha256;
  warn_of_useless_keys(draft, report);
  return complete_gpg(draft, settings, report);
}

}  // namespace

bool check_stanza(Draft& draft, const Settings& settings, Report& report, Severity severity) {
  return StanzaCheck(draft, settings, report, severity).run();
}

bool complete_stanzas(const std::vector<std::unique_ptr<Draft>>& drafts, const Settings& settings, Report& report) {
  unsigned number = 0;
  for (const auto& draft : drafts) draft->stanza.number = ++number;
  for (const auto& draft : drafts)
    if (!expand_lists(*draft, report)) return false;
  return std::ranges::all_of(drafts, [&](const auto& draft) { return complete(*draft, settings, report); });
}

/// Not told at every start, as spec/spa-wire.md 9.4 has it: the peer's start lines are watched.
static bool names_signers_by_short_ids(const GpgStanza& gpg) {
  constexpr std::size_t longest_forgeable = 8;
  if (!gpg.require_signature || !gpg.fingerprint_ids.empty()) return false;
  return std::ranges::any_of(gpg.remote_ids, [](const std::string& id) {
    return id.size() - (starts_with_ignoring_case(id, "0x") ? 2 : 0) <= longest_forgeable;
  });
}

void advise_on_stanzas(const std::vector<std::unique_ptr<Draft>>& drafts, Report& report) {
  std::map<std::string, unsigned> first_uses;
  for (const auto& draft : drafts) {
    const Stanza& stanza = draft->stanza;
    if (!stanza.hmac_key) report.advise(draft->place, "no HMAC key: forged packets reach the decryption, and GnuPG");
    if (names_signers_by_short_ids(stanza.gpg))
      report.advise(draft->place,
                    "GPG_REMOTE_ID of 8 digits: keys with such an id can be made at will; give fingerprints");
    for (const auto* key : {&stanza.key, &stanza.hmac_key}) {
      if (!*key || (*key)->is_empty()) continue;
      // Compared by digest, so that no key leaves the secure memory.
      const auto value = crypto::digest(crypto::DigestType::sha256, (*key)->view());
      const auto [use, is_new] = first_uses.try_emplace(std::string(as_text(value.view())), stanza.number);
      if (!is_new && use->second != stanza.number)
        report.advise(draft->place, fmt::format("a key of this stanza is also used in stanza #{}", use->second));
    }
    const bool is_any =
        std::ranges::any_of(stanza.source.items(), [](const AddressList::Item& item) { return item.mask == 0; });
    if (is_any && !stanza.require_source_address)
      report.advise(
          draft->place,
          "SOURCE ANY without REQUIRE_SOURCE_ADDRESS: a packet that is intercepted opens for whoever sends it");
  }
}

}  // namespace latchkey::fwknopd
