// SPDX-License-Identifier: GPL-2.0-or-later
// The table of .fwknoprc directives: one row each, read and written from here (spec/fwknop-client.md 4.6, 5.2).
#include "fwknop/rc_directives.h"

#include <fmt/core.h>

#include <array>
#include <stdexcept>

#include "common/base/text.h"
#include "common/spa/keys.h"
#include "common/spa/validate.h"
#include "fwknop/number.h"
#include "fwknop/protocol.h"
#include "fwknop/rc_text.h"
#include "fwknop/time_offset.h"

namespace latchkey::fwknop {
namespace {

Failure<Error> refuse(std::string text = "") { return fail(Error{std::move(text)}); }

// --- kinds of values: a setter and a formatter over one member -----------------------------------------------------

template <auto Member>
Result<void> set_text(Settings& settings, std::string_view value, Source) {
  settings.*Member = value;
  return {};
}
template <auto Member>
std::string format_text(const Settings& settings) {
  return settings.*Member;
}

/// Only Y and y say anything; nothing else is an error, and nothing switches off (spec 4.4).
bool says_yes(std::string_view value) { return value == "Y" || value == "y"; }

template <auto Member>
Result<void> set_flag(Settings& settings, std::string_view value, Source) {
  if (says_yes(value)) settings.*Member = true;
  return {};
}
template <auto Member>
std::string format_flag(const Settings& settings) {
  return settings.*Member ? "Y" : "N";
}

template <auto Member, int Most>
Result<void> set_number(Settings& settings, std::string_view value, Source) {
  const auto number = parse_integer(value, 0, Most);
  if (!number) return refuse();
  settings.*Member = *number;
  return {};
}
template <auto Member>
std::string format_number(const Settings& settings) {
  return std::to_string(settings.*Member);
}

template <auto Slot>
Result<void> set_key_text(Settings& settings, std::string_view value, Source source) {
  (settings.*Slot).text = SecretBytes::copy_of(value);
  (settings.*Slot).text_source = source;
  return {};
}
template <auto Slot>
std::string format_key_text(const Settings& settings) {
  const auto& text = (settings.*Slot).text;
  return text ? std::string(text->text()) : std::string();
}

template <auto Slot>
Result<void> set_key_base64(Settings& settings, std::string_view value, Source source, std::string_view shown_name) {
  if (!spa::parse_base64_key(value))
    return refuse(fmt::format("{} argument '{}' doesn't look like base64-encoded data.", shown_name, value));
  (settings.*Slot).base64 = SecretBytes::copy_of(value);
  (settings.*Slot).base64_source = source;
  return {};
}
template <auto Slot>
std::string format_key_base64(const Settings& settings) {
  const auto& base64 = (settings.*Slot).base64;
  return base64 ? std::string(base64->text()) : std::string();
}

template <auto Slot>
Result<void> set_key_file(Settings& settings, std::string_view value, Source) {
  (settings.*Slot).file = value;
  return {};
}
template <auto Slot>
std::string format_key_file(const Settings& settings) {
  return (settings.*Slot).file;
}

// --- directives with rules of their own -----------------------------------------------------------------------------

Result<void> set_digest_type(Settings& settings, std::string_view value, Source) {
  const auto type = crypto::parse_digest_type(value);
  if (!type) return refuse();
  settings.digest_type = *type;
  return {};
}
std::string format_digest_type(const Settings& settings) {
  return std::string(crypto::digest_name(settings.digest_type));
}

Result<void> set_hmac_digest_type(Settings& settings, std::string_view value, Source) {
  const auto type = crypto::parse_digest_type(value);
  if (!type) return refuse(fmt::format("HMAC_DIGEST_TYPE argument '{}' must be one of {}", value, digest_choice));
  settings.hmac_digest_type = *type;
  return {};
}
std::string format_hmac_digest_type(const Settings& settings) {
  return settings.hmac_digest_type ? std::string(crypto::digest_name(*settings.hmac_digest_type)) : std::string();
}

Result<void> set_encryption_mode(Settings& settings, std::string_view value, Source) {
  const auto mode = spa::parse_encryption_mode(value);
  if (!mode) return refuse();
  settings.encryption_mode = *mode;
  return {};
}
std::string format_encryption_mode(const Settings& settings) {
  return std::string(spa::encryption_mode_name(settings.encryption_mode));
}

Result<void> set_protocol(Settings& settings, std::string_view value, Source) {
  const auto protocol = parse_protocol(value);
  if (!protocol) return refuse();
  settings.protocol = *protocol;
  return {};
}
std::string format_protocol(const Settings& settings) { return std::string(protocol_name(settings.protocol)); }

std::string format_fw_timeout(const Settings& settings) {
  return settings.fw_timeout_s ? std::to_string(*settings.fw_timeout_s) : std::string();
}

Result<void> set_allow_ip(Settings& settings, std::string_view value, Source source) {
  if (equals_ignoring_case(value, "resolve")) {
    settings.set_allow_address("", source);
    settings.set_resolve(source);
  } else if (equals_ignoring_case(value, "source")) {
    settings.set_allow_address("0.0.0.0", source);
  } else if (spa::parse_allow_ip(value, spa::Side::sender)) {
    settings.set_allow_address(value, source);
  } else {
    return refuse();
  }
  return {};
}

Result<void> set_time_offset(Settings& settings, std::string_view value, Source source) {
  const bool is_minus = value.starts_with('-');
  if (is_minus) value.remove_prefix(1);
  const auto offset = parse_time_offset(value);
  if (!offset) return refuse(fmt::format("TIME_OFFSET argument '{}' invalid.", value));
  settings.set_time_offset(is_minus ? -*offset : *offset, source);
  return {};
}
std::string format_time_offset(const Settings& settings) {
  return settings.time_offset.count() == 0 ? std::string() : std::to_string(settings.time_offset.count());
}

Result<void> set_spoof_user(Settings& settings, std::string_view value, Source) {
  settings.spoof_user = value.substr(0, longest_spoof_user);
  return {};
}

Result<void> set_verbose(Settings& settings, std::string_view value, Source) {
  if (says_yes(value)) {
    settings.rc_verbosity = 1;
  } else if (is_digit(value.front()) || value.front() == '-' || value.front() == '+') {
    const auto level = parse_integer(value, 0, 4);
    if (!level) return refuse();
    settings.rc_verbosity = *level;
  } else {
    settings.rc_verbosity = 0;
  }
  return {};
}
std::string format_verbose(const Settings& settings) {
  const int verbosity = settings.verbosity();
  return verbosity == 1 ? "Y" : std::to_string(verbosity);
}

Result<void> set_resolve(Settings& settings, std::string_view value, Source source) {
  if (says_yes(value)) settings.set_resolve(source);
  return {};
}
std::string format_resolve(const Settings& settings) {
  return settings.resolves_address && settings.allow_address.empty() ? "Y" : "N";
}

Result<void> set_gpg_password_base64(Settings& settings, std::string_view value, Source source) {
  // The peer's message has this name (conformance case 107).
  return set_key_base64<&Settings::key>(settings, value, source, "GPG_SIGNING_KEY_BASE64");
}
Result<void> set_cipher_key_base64(Settings& settings, std::string_view value, Source source) {
  return set_key_base64<&Settings::key>(settings, value, source, "KEY_BASE64");
}
Result<void> set_hmac_key_base64(Settings& settings, std::string_view value, Source source) {
  if (const auto result = set_key_base64<&Settings::hmac_key>(settings, value, source, "HMAC_KEY_BASE64"); !result)
    return result;
  settings.use_hmac = true;
  return {};
}
Result<void> set_hmac_key(Settings& settings, std::string_view value, Source source) {
  settings.use_hmac = true;
  return set_key_text<&Settings::hmac_key>(settings, value, source);
}

// --- the table ------------------------------------------------------------------------------------------------------

using S = Settings;
constexpr std::string_view digests = "md5, sha1, sha256, sha384, sha512, sha3_256, sha3_512";
constexpr auto table = std::to_array<RcDirective>({
    {"DIGEST_TYPE", digests, "digest inside the packet", 0, false, set_digest_type, format_digest_type},
    {"SPA_SERVER_PROTO", "udp, tcp, http, udpraw, tcpraw, icmp", "transport", 1, false, set_protocol, format_protocol},
    {"SPA_SERVER_PORT", "0-65535", "port of the server", 2, false, set_number<&S::server_port, 65535>,
     format_number<&S::server_port>},
    {"SPA_SOURCE_PORT", "0-65535", "port the packet leaves from; 0 = any", 3, false, set_number<&S::source_port, 65535>,
     format_number<&S::source_port>},
    {"FW_TIMEOUT", "0-65536", "seconds that access is asked for", 4, false, set_number<&S::fw_timeout_s, 65536>,
     format_fw_timeout},
    {"ALLOW_IP", "address, source, resolve", "address that is to get access", 5, false, set_allow_ip,
     format_text<&S::allow_address>},
    {"TIME_OFFSET", "[-]number[unit]", "added to the packet's time stamp", 6, false, set_time_offset,
     format_time_offset},
    {"ENCRYPTION_MODE", "CBC, CTR, ECB, CFB, OFB, legacy, Asymmetric", "cipher mode", 7, false, set_encryption_mode,
     format_encryption_mode},
    {"USE_GPG", "Y/N", "encrypt with GnuPG", 8, false, set_flag<&S::use_gpg>, format_flag<&S::use_gpg>},
    {"USE_GPG_AGENT", "Y/N", "passphrase comes from gpg-agent", 9, false, set_flag<&S::use_gpg_agent>,
     format_flag<&S::use_gpg_agent>},
    {"GPG_RECIPIENT", "key", "the server's public key", 11, true, set_text<&S::gpg_recipient>,
     format_text<&S::gpg_recipient>},
    {"GPG_SIGNER", "key", "the secret key that signs", 12, true, set_text<&S::gpg_signer>, format_text<&S::gpg_signer>},
    {"GPG_HOMEDIR", "folder", "GnuPG's folder", 13, false, set_text<&S::gpg_home_dir>, format_text<&S::gpg_home_dir>},
    {"GPG_EXE", "file", "the gpg program", 14, false, set_text<&S::gpg_exe>, format_text<&S::gpg_exe>},
    {"GPG_SIGNING_PW", "text", "passphrase of the signing key", 22, true, set_key_text<&S::key>,
     format_key_text<&S::key>},
    {"GPG_SIGNING_PW_BASE64", "base64", "the same in base64", 23, true, set_gpg_password_base64,
     format_key_base64<&S::key>},
    {"GPG_NO_SIGNING_PW", "Y/N", "the signing key has no passphrase", 10, false, set_flag<&S::gpg_no_signing_pw>,
     format_flag<&S::gpg_no_signing_pw>},
    {"SPOOF_USER", "text", "user name in the packet", 15, false, set_spoof_user, format_text<&S::spoof_user>},
    {"SPOOF_SOURCE_IP", "address", "source address of raw packets", 16, false, set_text<&S::spoof_source>,
     format_text<&S::spoof_source>},
    {"ACCESS", "protocol/port,...", "what to open", 17, false, set_text<&S::access>, format_text<&S::access>},
    {"SPA_SERVER", "host", "the server", 18, false, set_text<&S::server>, format_text<&S::server>},
    {"RAND_PORT", "Y/N", "send to a random port", 19, false, set_flag<&S::rand_port>, format_flag<&S::rand_port>},
    {"KEY", "text", "encryption key", 20, true, set_key_text<&S::key>, format_key_text<&S::key>},
    {"KEY_BASE64", "base64", "encryption key in base64", 21, true, set_cipher_key_base64, format_key_base64<&S::key>},
    {"HMAC_DIGEST_TYPE", digests, "HMAC type", 24, false, set_hmac_digest_type, format_hmac_digest_type},
    {"HMAC_KEY_BASE64", "base64", "HMAC key in base64", 25, true, set_hmac_key_base64, format_key_base64<&S::hmac_key>},
    {"HMAC_KEY", "text", "HMAC key", 26, true, set_hmac_key, format_key_text<&S::hmac_key>},
    {"USE_HMAC", "Y/N", "authenticate the packet", 27, false, set_flag<&S::use_hmac>, format_flag<&S::use_hmac>},
    {"USE_WGET_USER_AGENT", "Y/N", "let wget name itself", 28, false, set_flag<&S::use_wget_user_agent>,
     format_flag<&S::use_wget_user_agent>},
    {"KEY_FILE", "file", "file with encryption keys", 29, false, set_key_file<&S::key>, format_key_file<&S::key>},
    {"HMAC_KEY_FILE", "file", "file with HMAC keys", 30, false, set_key_file<&S::hmac_key>,
     format_key_file<&S::hmac_key>},
    {"NAT_ACCESS", "host[:port]", "internal host to reach", 31, false, set_text<&S::nat_access>,
     format_text<&S::nat_access>},
    {"HTTP_USER_AGENT", "text", "User-Agent of HTTP requests", 32, false, set_text<&S::user_agent>,
     format_text<&S::user_agent>},
    {"RESOLVE_URL", "URL", "page that tells the own address", 33, false, set_text<&S::resolve_url>,
     format_text<&S::resolve_url>},
    {"SERVER_RESOLVE_IPV4", "Y/N", "look up IPv4 addresses only", 34, false, set_flag<&S::server_resolve_ipv4>,
     format_flag<&S::server_resolve_ipv4>},
    {"NAT_LOCAL", "Y/N", "NAT to the server itself", 35, false, set_flag<&S::nat_local>, format_flag<&S::nat_local>},
    {"NAT_RAND_PORT", "Y/N", "random port for NAT access", 36, false, set_flag<&S::nat_rand_port>,
     format_flag<&S::nat_rand_port>},
    {"NAT_PORT", "0-65535", "port for NAT access", 37, false, set_number<&S::nat_port, 65535>,
     format_number<&S::nat_port>},
    {"VERBOSE", "Y/N, 0-4", "how much to print", 38, false, set_verbose, format_verbose},
    {"RESOLVE_IP_HTTP", "Y/N", "resolve the own address (by HTTPS)", 39, false, set_resolve, format_resolve},
    {"RESOLVE_IP_HTTPS", "Y/N", "resolve the own address", 40, false, set_resolve, format_resolve},
    {"RESOLVE_HTTP_ONLY", "Y/N", "resolve it by plain HTTP", 41, false, set_flag<&S::resolve_http_only>,
     format_flag<&S::resolve_http_only>},
    {"WGET_CMD", "file", "program that resolves the own address", 42, false, set_text<&S::wget_command>,
     format_text<&S::wget_command>},
    {"NO_SAVE_ARGS", "Y/N", "do not save the command line", 43, false, set_flag<&S::no_save_args>,
     format_flag<&S::no_save_args>},
});

}  // namespace

std::span<const RcDirective> rc_directives() { return table; }

const RcDirective* find_rc_directive(std::string_view name) {
  for (const RcDirective& row : table)
    if (row.name == name) return &row;
  return nullptr;
}

DirectiveSet directive_set(std::initializer_list<std::string_view> names) {
  DirectiveSet set;
  for (const std::string_view name : names) {
    const RcDirective* row = find_rc_directive(name);
    if (row == nullptr) throw std::logic_error("no such rc directive");
    set.set(static_cast<std::size_t>(row - table.data()));
  }
  return set;
}

}  // namespace latchkey::fwknop
