// SPDX-License-Identifier: GPL-2.0-or-later
// Cross-option checks: what must hold before a packet is built (spec/fwknop-client.md 1.2).
#include "fwknop/checks.h"

#include "common/base/text.h"
#include "common/spa/validate.h"
#include "fwknop/protocol.h"
#include "fwknop/proxy.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t longest_host_name = 253;
constexpr std::string_view no_destination = "Must use --destination unless --test mode is used";

Failure<Error> refuse(std::string_view text) { return fail(Error{std::string(text)}); }

bool is_ipv4(std::string_view text) { return spa::parse_allow_ip(text, spa::Side::sender).has_value(); }

/// Builds and sends a packet, as opposed to -T, -k, -V, --show-last and -l.
bool sends(const Settings& settings) {
  return !settings.test && !settings.key_gen && !settings.version && !settings.show_last && !settings.run_last;
}

Result<void> check_stanza(Settings& settings, bool is_stanza_found) {
  if (!settings.save_rc_stanza) {
    if (!settings.named_config.empty() && !is_stanza_found)
      return refuse(fmt::format("Named configuration stanza: [{}] was not found.", settings.named_config));
    return {};
  }
  if (!settings.named_config.empty()) return {};
  if (settings.server.empty()) return refuse(no_destination);
  settings.named_config = settings.server;
  return {};
}

Result<void> check_addresses(Settings& settings, Console& console) {
  if (sends(settings)) {
    if (settings.server.empty()) return refuse(no_destination);
    if (!settings.resolve_url.empty()) settings.resolves_address = true;
    if (!settings.resolves_address && settings.allow_address.empty())
      return refuse("Must use one of [-s|-R|-a] to specify IP for SPA access.");
    if (settings.allow_address.starts_with("0.0.0.0") && settings.verbosity() > 0)
      console.error("[-] WARNING: Should use -a or -R to harden SPA against potential MITM attacks");
  }
  if (!settings.allow_address.empty()) {
    settings.resolves_address = false;
    if (!is_ipv4(settings.allow_address)) return refuse("Invalid allow IP specified for SPA access");
  }
  if (settings.server.size() > longest_host_name)
    return refuse(fmt::format("Invalid destination: a host name has at most {} characters", longest_host_name));
  return {};
}

Result<void> check_transport(Settings& settings, std::string_view version) {
  if (!settings.spoof_source.empty()) {
    if (!is_ipv4(settings.spoof_source)) return refuse("Invalid spoof IP");
    if (!is_raw(settings.protocol)) return refuse("Must set -P <udpraw|tcpraw|icmp> with a spoofed source IP");
  }
  if ((settings.resolves_address || settings.protocol == Protocol::http) && settings.user_agent.empty())
    settings.user_agent = fmt::format("Fwknop/{}", version);
  if (!settings.http_proxy.empty() && settings.protocol != Protocol::http)
    return refuse("Cannot set --http-proxy with a non-HTTP protocol.");
  if (has_control_characters(settings.user_agent)) return refuse("The user agent must not contain control characters.");
  if (has_control_characters(settings.server)) return refuse("The destination must not contain control characters.");
  return {};
}

Result<void> check_cryptography(Settings& settings) {
  if (settings.use_gpg && settings.gpg_recipient.empty())
    return refuse("Must specify --gpg-recipient-key when GPG is used.");
  if (!settings.use_gpg && settings.encryption_mode == EncryptionMode::asymmetric)
    return refuse("Must specify GPG recipient/signing keys when Asymmetric encryption mode is used.");
  if (settings.encryption_mode == EncryptionMode::legacy && settings.use_hmac)
    return refuse("Legacy encryption mode is incompatible with HMAC usage.");
  if ((settings.use_hmac || settings.key_gen) && !settings.hmac_digest_type)
    settings.hmac_digest_type = DigestType::sha256;
  return {};
}

}  // namespace

Result<void> check_settings(Settings& settings, bool is_stanza_found, std::string_view version, Console& console) {
  if (auto result = check_stanza(settings, is_stanza_found); !result) return result;
  if (auto result = check_addresses(settings, console); !result) return result;
  if (auto result = check_transport(settings, version); !result) return result;
  return check_cryptography(settings);
}

}  // namespace latchkey::fwknop
