// SPDX-License-Identifier: GPL-2.0-or-later
// Settings: what the rc file and the command line ask for, as typed values (spec/fwknop-client.md 2 and 4.6).
#pragma once
#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/crypto/secret.h"
#include "common/spa/types.h"

namespace latchkey::fwknop {

using crypto::SecretBytes;
using spa::DigestType;
using spa::EncryptionMode;

/// The peers keep this much of -U and SPOOF_USER, and an 80-character -U must still succeed (D2).
inline constexpr std::size_t longest_spoof_user = 29;
/// The names in messages about digest and HMAC types.
inline constexpr std::string_view digest_choice = "{md5,sha1,sha256,sha384,sha512,sha3_256,sha3_512}";

enum class Protocol { udp, udpraw, tcp, tcpraw, icmp, http };

/// Where a value comes from. A later source wins over an earlier one (D7, D14).
enum class Source { built_in, default_section, named_section, command_line };

/// One key as the rc file and the command line give it, not decoded. Text and base64 are kept side by side: the more
/// recent source wins, text within one source (spec 7.1, D14).
struct KeySlot {
  std::optional<SecretBytes> text = {};
  std::optional<SecretBytes> base64 = {};
  Source text_source = Source::built_in;
  Source base64_source = Source::built_in;
  std::string file = {};
};

/// One bit for each row of the directive table: what --save-rc-stanza is to write.
using DirectiveSet = std::bitset<64>;

/// Flat, so that a table row names its member. Texts are as typed; an empty text is an unset one.
struct Settings {
  // What the packet asks for.
  std::string access = {};
  std::string server_command = {};
  std::string allow_address = {};  ///< beats `resolves_address` when both are set
  Source allow_address_source = Source::built_in;
  bool resolves_address = false;
  std::optional<int> fw_timeout_s = {};
  std::string nat_access = {};
  bool nat_local = false;
  bool nat_rand_port = false;
  int nat_port = 0;
  std::string spoof_user = {};
  std::chrono::seconds time_offset{0};
  Source time_offset_source = Source::built_in;

  // How it is sealed.
  DigestType digest_type = DigestType::sha256;
  EncryptionMode encryption_mode = EncryptionMode::cbc;
  KeySlot key = {};
  KeySlot hmac_key = {};
  bool use_hmac = false;
  std::optional<DigestType> hmac_digest_type = {};
  std::optional<int> key_fd = {};  ///< --fd, --stdin

  bool use_gpg = false;
  bool use_gpg_agent = false;
  bool gpg_no_signing_pw = false;
  std::string gpg_recipient = {};
  std::string gpg_signer = {};
  std::string gpg_home_dir = {};
  std::string gpg_exe = {};

  // How it is sent.
  std::string server = {};
  Protocol protocol = Protocol::udp;
  int server_port = 62201;
  int source_port = 0;
  bool rand_port = false;
  std::string spoof_source = {};
  std::string http_proxy = {};
  std::string user_agent = {};
  int icmp_type = 0;
  int icmp_code = 0;
  bool server_resolve_ipv4 = false;

  // How the own address is found.
  std::string resolve_url = {};
  bool resolve_http_only = false;
  std::string wget_command = {};
  bool use_wget_user_agent = false;

  // What else a run does; from the command line alone, but for NO_SAVE_ARGS and VERBOSE.
  bool help = false;
  bool test = false;
  bool version = false;
  bool stanza_list = false;
  bool show_last = false;
  bool run_last = false;
  bool no_save_args = false;
  bool no_home_dir = false;
  bool no_rc_file = false;
  bool save_rc_stanza = false;
  bool force_stanza = false;
  bool key_gen = false;
  std::string key_gen_file = {};
  std::optional<int> key_len = {};
  std::optional<int> hmac_key_len = {};
  std::string rc_file = {};
  std::string args_file = {};
  std::string named_config = {};
  std::string save_packet_file = {};
  bool save_packet_append = false;
  int verbose_count = 0;  ///< -v on the command line
  int rc_verbosity = 0;   ///< VERBOSE
  DirectiveSet to_save = {};

  /// -v wins over VERBOSE (D6).
  int verbosity() const { return verbose_count > 0 ? verbose_count : rc_verbosity; }
  /// -a, -s and ALLOW_IP: an address, which cancels an earlier wish to resolve it.
  void set_allow_address(std::string_view address, Source source);
  /// -R and the like: replaces an address of an earlier source; beside one of the same source the address stays.
  void set_resolve(Source source);
  /// A minus offset beats a plus offset of the same source.
  void set_time_offset(std::chrono::seconds offset, Source source);
};

}  // namespace latchkey::fwknop
