// SPDX-License-Identifier: GPL-2.0-or-later
// The table of the client's command-line options (spec/fwknop-client.md 2).
#include "fwknop/options.h"

#include <fmt/core.h>

#include <array>

#include "common/base/text.h"
#include "common/spa/keys.h"
#include "fwknop/number.h"
#include "fwknop/protocol.h"
#include "fwknop/time_offset.h"

namespace latchkey::fwknop {
namespace {

constexpr Source cli_source = Source::command_line;
constexpr int longest_key = spa::limit::client_key;
constexpr int longest_timeout_s = spa::limit::client_timeout_s;

Failure<Error> refuse(std::string text) { return fail(Error{std::move(text)}); }

// --- kinds of options ----------------------------------------------------------------------------------------------

template <auto Member>
Result<void> text(Settings& settings, std::string_view argument) {
  settings.*Member = argument;
  return {};
}
template <auto Member>
Result<void> flag(Settings& settings, std::string_view) {
  settings.*Member = true;
  return {};
}
template <auto Member>
Result<void> gpg_text(Settings& settings, std::string_view argument) {
  settings.use_gpg = true;
  settings.*Member = argument;
  return {};
}
template <auto Member>
Result<void> gpg_flag(Settings& settings, std::string_view) {
  settings.use_gpg = true;
  settings.*Member = true;
  return {};
}
template <auto Member>
Result<void> port(Settings& settings, std::string_view argument) {
  const auto number = parse_integer(argument, 0, 65535);
  if (!number) return refuse(out_of_range_text(argument, 0, "65535"));
  settings.*Member = *number;
  return {};
}
template <auto Slot>
Result<void> key_text(Settings& settings, std::string_view argument) {
  (settings.*Slot).text = SecretBytes::copy_of(argument);
  (settings.*Slot).text_source = cli_source;
  return {};
}
template <auto Slot>
Result<void> key_base64(Settings& settings, std::string_view argument, std::string_view what) {
  if (!spa::parse_base64_key(argument))
    return refuse(
        fmt::format("Base64 encoded {} argument '{}' doesn't look like base64-encoded data.", what, argument));
  (settings.*Slot).base64 = SecretBytes::copy_of(argument);
  (settings.*Slot).base64_source = cli_source;
  return {};
}

// --- options with rules of their own -------------------------------------------------------------------------------

Result<void> allow_ip(Settings& settings, std::string_view argument) {
  if (equals_ignoring_case(argument, "resolve"))
    settings.set_resolve(cli_source);
  else
    settings.set_allow_address(argument, cli_source);
  return {};
}
Result<void> source_ip(Settings& settings, std::string_view) {
  settings.set_allow_address("0.0.0.0", cli_source);
  return {};
}
Result<void> resolve_ip(Settings& settings, std::string_view) {
  settings.set_resolve(cli_source);
  return {};
}
Result<void> resolve_http_only(Settings& settings, std::string_view) {
  settings.resolve_http_only = true;
  settings.set_resolve(cli_source);
  return {};
}

Result<void> digest_type(Settings& settings, std::string_view argument) {
  const auto type = crypto::parse_digest_type(argument);
  if (!type) return refuse(fmt::format("* Invalid digest type: {}, use {}", argument, digest_choice));
  settings.digest_type = *type;
  return {};
}
Result<void> hmac_digest_type(Settings& settings, std::string_view argument) {
  const auto type = crypto::parse_digest_type(argument);
  if (!type) return refuse(fmt::format("* Invalid hmac digest type: {}, use {}", argument, digest_choice));
  settings.hmac_digest_type = *type;
  settings.use_hmac = true;
  return {};
}
Result<void> encryption_mode(Settings& settings, std::string_view argument) {
  const auto mode = spa::parse_encryption_mode(argument);
  if (!mode) return refuse(fmt::format("* Invalid encryption mode: {}, use {{CBC,CTR,legacy,Asymmetric}}", argument));
  settings.encryption_mode = *mode;
  return {};
}
Result<void> server_proto(Settings& settings, std::string_view argument) {
  const auto protocol = parse_protocol(argument);
  if (!protocol) return refuse(fmt::format("Unrecognized protocol: {}", argument));
  settings.protocol = *protocol;
  return {};
}
Result<void> http_proxy(Settings& settings, std::string_view argument) {
  settings.http_proxy = argument;
  settings.protocol = Protocol::http;
  return {};
}

Result<void> fw_timeout(Settings& settings, std::string_view argument) {
  const auto seconds = parse_integer(argument, 0, longest_timeout_s);
  if (!seconds) return refuse(fmt::format("--fw-timeout must be within [0-{}]", longest_timeout_s));
  settings.fw_timeout_s = *seconds;
  return {};
}
Result<void> icmp_type(Settings& settings, std::string_view argument) {
  const auto number = parse_integer(argument, 0, 40);
  if (!number) return refuse(fmt::format("Invalid icmp type '{}', must be in [0-40]", argument));
  settings.icmp_type = *number;
  return {};
}
Result<void> icmp_code(Settings& settings, std::string_view argument) {
  const auto number = parse_integer(argument, 0, 15);
  if (!number) return refuse(fmt::format("Invalid icmp code '{}', must be in [0-15]", argument));
  settings.icmp_code = *number;
  return {};
}
Result<void> key_len(Settings& settings, std::string_view argument) {
  settings.key_len = parse_integer(argument, 1, longest_key);
  if (!settings.key_len) return refuse(fmt::format("Invalid key length '{}', must be in [1-128]", argument));
  return {};
}
Result<void> hmac_key_len(Settings& settings, std::string_view argument) {
  settings.hmac_key_len = parse_integer(argument, 1, longest_key);
  if (!settings.hmac_key_len) return refuse(fmt::format("Invalid hmac key length '{}', must be in [1-128]", argument));
  settings.use_hmac = true;
  return {};
}
template <int Sign>
Result<void> time_offset(Settings& settings, std::string_view argument) {
  const auto offset = parse_time_offset(argument);
  if (!offset) return refuse(fmt::format("Invalid time offset: '{}'", argument));
  settings.set_time_offset(Sign * *offset, cli_source);
  return {};
}

Result<void> key_fd(Settings& settings, std::string_view argument) {
  // The peer has no upper limit and prints it as -1.
  settings.key_fd = parse_integer(argument, 0, std::numeric_limits<int>::max());
  if (!settings.key_fd) return refuse(out_of_range_text(argument, 0, "-1"));
  return {};
}
Result<void> key_stdin(Settings& settings, std::string_view) {
  settings.key_fd = 0;
  return {};
}
Result<void> key_gen_file(Settings& settings, std::string_view argument) {
  settings.key_gen = true;
  settings.key_gen_file = argument;
  return {};
}
Result<void> get_key(Settings& settings, std::string_view argument) {
  settings.key.file = argument;
  return {};
}
Result<void> get_hmac_key(Settings& settings, std::string_view argument) {
  settings.use_hmac = true;
  settings.hmac_key.file = argument;
  return {};
}
Result<void> key_base64_rijndael(Settings& settings, std::string_view argument) {
  return key_base64<&Settings::key>(settings, argument, "Rijndael");
}
Result<void> key_base64_hmac(Settings& settings, std::string_view argument) {
  settings.use_hmac = true;
  return key_base64<&Settings::hmac_key>(settings, argument, "HMAC");
}
Result<void> key_hmac(Settings& settings, std::string_view argument) {
  settings.use_hmac = true;
  return key_text<&Settings::hmac_key>(settings, argument);
}
Result<void> gpg_home_dir(Settings& settings, std::string_view argument) {
  settings.use_gpg = true;
  if (argument.size() > 1 && argument.ends_with('/')) argument.remove_suffix(1);
  settings.gpg_home_dir = argument;
  return {};
}
Result<void> spoof_user(Settings& settings, std::string_view argument) {
  settings.spoof_user = argument.substr(0, longest_spoof_user);
  return {};
}
Result<void> verbose(Settings& settings, std::string_view) {
  ++settings.verbose_count;
  return {};
}
Result<void> fault_injection_tag(Settings&, std::string_view) {
  return refuse("fwknop not compiled with fault injection support.");
}

// --- the table -----------------------------------------------------------------------------------------------------

using S = Settings;
using enum OptionGroup;
constexpr bool early = true;
constexpr bool late = false;
constexpr auto arg = cli::Argument::required;
constexpr auto none = cli::Argument::none;

/// A spelling of fwknop 1.9 that people and tutorials still type; it fits no abbreviation of a peer's option.
constexpr OptionRow legacy_spelling(std::string_view name, cli::Argument argument, std::string_view same_as) {
  return {{.name = name, .argument = argument, .same_as = same_as, .is_extension = true}, legacy, late, "", nullptr};
}

// clang-format off
constexpr auto table = std::to_array<OptionRow>({
    {{"allow-ip", 'a', arg, "<IP>", "Address that is to get access (e.g. '123.2.3.4');\n'resolve' means -R."},
     address, late, "ALLOW_IP", allow_ip},
    {{"access", 'A', arg, "<ports>", "Ports to open on the server, separated by\ncommas (e.g. 'tcp/22,udp/53')."},
     request, late, "ACCESS", text<&S::access>},
    {{"save-packet-append", 'b', none, "", "Append to the file of -B instead of\nreplacing it."},
     files, late, "", flag<&S::save_packet_append>},
    {{"save-packet", 'B', arg, "<file>", "Write the SPA packet to this file as well."},
     files, late, "", text<&S::save_packet_file>},
    {{"save-rc-stanza", 0, none, "", "Save the options of this command line in a\nstanza of the rc file, named by -n or -D."},
     files, early, "", flag<&S::save_rc_stanza>},
    {{"force-stanza", 0, none, "", "With --save-rc-stanza: overwrite keys in the\nstanza without asking."},
     files, late, "", flag<&S::force_stanza>},
    {{"stanza-list", 0, none, "", "List the stanzas of the rc file and exit."},
     files, early, "", flag<&S::stanza_list>},
    {{"no-save-args", 0, none, "", "Do not save this command line for -l."},
     files, early, "NO_SAVE_ARGS", flag<&S::no_save_args>},
    {{"server-cmd", 'C', arg, "<command>", "Ask the server to run this command instead\nof opening ports."},
     request, late, "", text<&S::server_command>},
    {{"digest-type", 'm', arg, "<type>", "Digest inside the packet: md5, sha1, sha256\n(default), sha384, sha512, sha3_256, sha3_512."},
     keys, late, "DIGEST_TYPE", digest_type},
    {{"destination", 'D', arg, "<host>", "Name or address of the fwknop server."},
     request, late, "SPA_SERVER", text<&S::server>},
    {{"save-args-file", 'E', arg, "<file>", "File for the saved command line; default\n$HOME/.fwknop.run."},
     files, early, "", text<&S::args_file>},
    {{"encryption-mode", 'M', arg, "<mode>", "CBC (default), CTR, ECB, CFB, OFB, legacy\n(for servers before 2.5) or Asymmetric (GnuPG)."},
     keys, late, "ENCRYPTION_MODE", encryption_mode},
    {{"fd", 0, arg, "<n>", "Read the key, one line, from this file\ndescriptor; with an HMAC, its key follows."},
     keys, late, "", key_fd},
    {{"fw-timeout", 'f', arg, "<seconds>", "How long the server is to keep the ports\nopen, if it allows the choice."},
     request, late, "FW_TIMEOUT", fw_timeout},
    {{"fault-injection-tag", 0, arg, "<tag>", "Not compiled in; refused."},
     other, late, "", fault_injection_tag},
    {{"gpg-encryption", 'g', none, "", "Encrypt with GnuPG; implied by the options\nbelow."},
     gnupg, late, "USE_GPG", flag<&S::use_gpg>},
    {{"gpg-recipient-key", 0, arg, "<key>", "Public key of the server: ID, fingerprint\nor a part of its name."},
     gnupg, late, "USE_GPG GPG_RECIPIENT", gpg_text<&S::gpg_recipient>},
    {{"gpg-signer-key", 0, arg, "<key>", "Secret key that signs the packet."},
     gnupg, late, "USE_GPG GPG_SIGNER", gpg_text<&S::gpg_signer>},
    {{"gpg-home-dir", 0, arg, "<folder>", "GnuPG's folder; default ~/.gnupg."},
     gnupg, late, "USE_GPG GPG_HOMEDIR", gpg_home_dir},
    {{"gpg-exe", 0, arg, "<file>", "The gpg program; default /usr/bin/gpg."},
     gnupg, late, "USE_GPG GPG_EXE", gpg_text<&S::gpg_exe>},
    {{"gpg-agent", 0, none, "", "The passphrase comes from gpg-agent."},
     gnupg, late, "USE_GPG USE_GPG_AGENT", gpg_flag<&S::use_gpg_agent>},
    {{"gpg-no-signing-pw", 0, none, "", "The signing key has no passphrase."},
     gnupg, late, "USE_GPG GPG_NO_SIGNING_PW", gpg_flag<&S::gpg_no_signing_pw>},
    {{"get-key", 'G', arg, "<file>", "File with lines 'server: key'."},
     keys, late, "KEY_FILE", get_key},
    {{"get-hmac-key", 0, arg, "<file>", "The same for HMAC keys."},
     keys, late, "HMAC_KEY_FILE USE_HMAC", get_hmac_key},
    {{"help", 'h', none, "", "Print this text and exit."},
     other, early, "", flag<&S::help>},
    {{"http-proxy", 'H', arg, "<proxy>", "Send the packet by HTTP through this proxy,\n[http://]host[:port]."},
     transport, late, "", http_proxy},
    {{"key-gen", 'k', none, "", "Make an encryption key and an HMAC key,\nprint them and exit."},
     keys, late, "KEY_BASE64 HMAC_KEY_BASE64", flag<&S::key_gen>},
    {{"key-gen-file", 'K', arg, "<file>", "Make them and write them to this file."},
     keys, late, "KEY_BASE64 HMAC_KEY_BASE64", key_gen_file},
    {{"key-rijndael", 0, arg, "<key>", "The encryption key. Other users may see it\nfor a moment in the process list."},
     keys, late, "KEY", key_text<&S::key>},
    {{"key-base64-rijndael", 0, arg, "<base64>", "The same in base64."},
     keys, late, "KEY_BASE64", key_base64_rijndael},
    {{"key-base64-hmac", 0, arg, "<base64>", "The HMAC key in base64."},
     keys, late, "HMAC_KEY_BASE64 USE_HMAC", key_base64_hmac},
    {{"key-hmac", 0, arg, "<key>", "The HMAC key."},
     keys, late, "HMAC_KEY USE_HMAC", key_hmac},
    {{"key-len", 0, arg, "<bytes>", "With -k: length of the encryption key, 1-32;\ndefault 32."},
     keys, late, "", key_len},
    {{"hmac-key-len", 0, arg, "<bytes>", "With -k: length of the HMAC key, 1-128;\ndefault by HMAC type."},
     keys, late, "USE_HMAC", hmac_key_len},
    {{"hmac-digest-type", 0, arg, "<type>", "HMAC type; names and default as for -m."},
     keys, late, "HMAC_DIGEST_TYPE USE_HMAC", hmac_digest_type},
    {{"icmp-type", 0, arg, "<n>", "ICMP type, 0-40; default 0 (echo reply)."},
     transport, late, "", icmp_type},
    {{"icmp-code", 0, arg, "<n>", "ICMP code, 0-15; default 0."},
     transport, late, "", icmp_code},
    {{"last-cmd", 'l', none, "", "Run the saved command line again."},
     files, late, "", flag<&S::run_last>},
    {{"nat-access", 'N', arg, "<host[:port]>", "Reach this internal host through the server."},
     nat, late, "NAT_ACCESS", text<&S::nat_access>},
    {{"named-config", 'n', arg, "<name>", "Use this stanza of the rc file; the command\nline overrides it."},
     request, early, "", text<&S::named_config>},
    {{"nat-local", 0, none, "", "NAT to the server itself."},
     nat, late, "NAT_LOCAL", flag<&S::nat_local>},
    {{"nat-port", 0, arg, "<port>", "Open this port for the NAT access."},
     nat, late, "NAT_PORT", port<&S::nat_port>},
    {{"nat-rand-port", 0, none, "", "Open a random port for the NAT access and\nprint it."},
     nat, late, "NAT_RAND_PORT", flag<&S::nat_rand_port>},
    {{"no-home-dir", 0, none, "", "Do not look for files in $HOME; needs\n--rc-file or --no-rc-file."},
     files, early, "", flag<&S::no_home_dir>},
    {{"no-rc-file", 0, none, "", "Neither read nor create an rc file."},
     files, early, "", flag<&S::no_rc_file>},
    {{"server-port", 'p', arg, "<port>", "Port of the server; default 62201."},
     transport, late, "SPA_SERVER_PORT", port<&S::server_port>},
    {{"server-proto", 'P', arg, "<protocol>", "udp (default), tcp, http, and for root udpraw,\ntcpraw, icmp."},
     transport, late, "SPA_SERVER_PROTO", server_proto},
    {{"spoof-source", 'Q', arg, "<IP>", "Source address of the packet, with udpraw,\ntcpraw, icmp."},
     transport, late, "SPOOF_SOURCE_IP", text<&S::spoof_source>},
    {{"spoof-src", 0, arg, "<IP>", "Synonym of --spoof-source.", "spoof-source"},
     transport, late, "", nullptr},
    {{"rc-file", 0, arg, "<file>", "rc file; default $HOME/.fwknoprc."},
     files, early, "", text<&S::rc_file>},
    {{"rand-port", 'r', none, "", "Send to a random port, 10000-65535."},
     transport, late, "RAND_PORT", flag<&S::rand_port>},
    {{"resolve-ip-http", 0, none, "", "Synonym of -R; it uses HTTPS, too.", "resolve-ip-https"},
     address, late, "", nullptr},
    {{"resolve-ip-https", 'R', none, "", "Ask a web page for the own address, by\nHTTPS."},
     address, late, "RESOLVE_IP_HTTPS", resolve_ip},
    {{"resolve-http-only", 0, none, "", "The same by plain HTTP; whoever changes the\nanswer on its way gets the access."},
     address, late, "RESOLVE_HTTP_ONLY RESOLVE_IP_HTTPS", resolve_http_only},
    {{"resolve-url", 0, arg, "<URL>", "The page to ask; default\nhttps://www.cipherdyne.org/cgi-bin/myip."},
     address, late, "RESOLVE_URL", text<&S::resolve_url>},
    {{"server-resolve-ipv4", 0, none, "", "Use IPv4 addresses of the server only."},
     transport, late, "SERVER_RESOLVE_IPV4", flag<&S::server_resolve_ipv4>},
    {{"show-last", 0, none, "", "Print the saved command line."},
     files, late, "", flag<&S::show_last>},
    {{"source-ip", 's', none, "", "Allow the address that the packet comes from\n(0.0.0.0); servers may refuse that."},
     address, late, "ALLOW_IP", source_ip},
    {{"source-port", 'S', arg, "<port>", "Port that the packet leaves from."},
     transport, late, "SPA_SOURCE_PORT", port<&S::source_port>},
    {{"stdin", 0, none, "", "Read the key from standard input (--fd 0)."},
     keys, late, "", key_stdin},
    {{"test", 'T', none, "", "Build and print the packet, but send nothing."},
     other, late, "", flag<&S::test>},
    {{"time-offset-plus", 0, arg, "<time>", "Add this to the time stamp (e.g. 60sec, 60min,\n2days)."},
     other, late, "TIME_OFFSET", time_offset<1>},
    {{"time-offset-minus", 0, arg, "<time>", "Subtract this from the time stamp."},
     other, late, "TIME_OFFSET", time_offset<-1>},
    {{"user-agent", 'u', arg, "<text>", "User-Agent of HTTP requests; default\nFwknop/<version>."},
     transport, late, "HTTP_USER_AGENT", text<&S::user_agent>},
    {{"use-hmac", 0, none, "", "Add an HMAC: authenticated encryption."},
     keys, late, "USE_HMAC", flag<&S::use_hmac>},
    {{"use-wget-user-agent", 0, none, "", "With -w: let wget name itself."},
     address, late, "USE_WGET_USER_AGENT", flag<&S::use_wget_user_agent>},
    {{"spoof-user", 'U', arg, "<name>", "User name in the packet."},
     request, late, "SPOOF_USER", spoof_user},
    {{"verbose", 'v', none, "", "Print the packet and what is done with it;\ntwice: more."},
     other, early, "VERBOSE", verbose},
    {{"version", 'V', none, "", "Print the version and exit."},
     other, late, "", flag<&S::version>},
    {{"wget-cmd", 'w', arg, "<program>", "Ask the web page with this program instead\nof the built-in client."},
     address, late, "WGET_CMD", text<&S::wget_command>},

    legacy_spelling("Access", arg, "access"),
    legacy_spelling("Destination", arg, "destination"),
    legacy_spelling("Forward-access", arg, "nat-access"),
    legacy_spelling("knock-dst", arg, "destination"),
    legacy_spelling("Last-cmd", none, "last-cmd"),
    legacy_spelling("NAT-access", arg, "nat-access"),
    legacy_spelling("NAT-local", none, "nat-local"),
    legacy_spelling("NAT-rand-port", none, "nat-rand-port"),
    legacy_spelling("Server-cmd", arg, "server-cmd"),
    legacy_spelling("Server-port", arg, "server-port"),
    legacy_spelling("Server-proto", arg, "server-proto"),
    legacy_spelling("Source-port", arg, "source-port"),
    legacy_spelling("Spoof-src", arg, "spoof-source"),
    legacy_spelling("Spoof-user", arg, "spoof-user"),
    legacy_spelling("Test-mode", none, "test"),
    legacy_spelling("User-agent", arg, "user-agent"),
    legacy_spelling("whatismyip", none, "resolve-ip-https"),
});
// clang-format on

}  // namespace

std::span<const OptionRow> option_rows() { return table; }

}  // namespace latchkey::fwknop
