// SPDX-License-Identifier: GPL-2.0-or-later
// Stanza: one block of access.conf as typed, checked values (spec/fwknopd-config.md 12).
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/crypto/secret.h"
#include "common/spa/types.h"
#include "fwknopd/config/lists.h"

namespace latchkey::fwknopd {

/// CMD_EXEC_USER and _GROUP, or CMD_SUDO_EXEC_USER and _GROUP. The gid is the group's where one is configured (and is
/// not root's), else the user's primary one.
struct CommandUser {
  std::optional<std::string> user;
  std::optional<std::string> group;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct CommandCycle {
  std::string open;
  std::string close;  ///< empty when CMD_CYCLE_CLOSE is NONE
  std::chrono::seconds timer{0};
};

struct ForceNat {
  std::string ip;  ///< canonical IPv4
  std::uint16_t port = 0;
};

struct GpgStanza {
  bool is_used = false;  ///< GPG_DECRYPT_PW set (also empty, by GPG_ALLOW_NO_PW)
  crypto::SecretBytes decrypt_password;
  bool allow_no_password = false;       ///< GPG_ALLOW_NO_PW
  std::optional<std::string> home_dir;  ///< GPG_HOME_DIR, or fwknopd.conf's where GPG is used
  std::optional<std::string> exe;       ///< GPG_EXE; unset: fwknopd.conf's
  std::optional<std::string> decrypt_id;
  bool require_signature = false;  ///< on where GPG is used, unless GPG_DISABLE_SIG
  bool disable_signature = false;
  bool ignore_signature_errors = false;
  std::vector<std::string> remote_ids;       ///< GPG_REMOTE_ID
  std::vector<std::string> fingerprint_ids;  ///< GPG_FINGERPRINT_ID
  std::optional<std::string> remote_ids_text;
  std::optional<std::string> fingerprint_ids_text;
};

struct Stanza {
  unsigned number = 0;  ///< from 1, in the order of the SOURCE lines
  std::string file;     ///< where its SOURCE line stands
  unsigned line = 0;

  std::string source_text;  ///< as written, for texts and the dump
  AddressList source;
  std::optional<std::string> destination_text;
  std::optional<AddressList> destination;
  std::optional<std::string> open_ports_text;
  std::optional<PortSet> open_ports;
  std::optional<std::string> restrict_ports_text;
  std::optional<PortSet> restrict_ports;

  std::optional<crypto::SecretBytes> key;  ///< KEY, or KEY_BASE64 decoded
  bool key_is_base64 = false;
  std::optional<crypto::SecretBytes> hmac_key;  ///< HMAC_KEY, or HMAC_KEY_BASE64 decoded
  bool hmac_key_is_base64 = false;
  spa::DigestType hmac_type = spa::DigestType::none;  ///< never none when there is an HMAC key
  spa::EncryptionMode mode = spa::EncryptionMode::cbc;

  std::chrono::seconds fw_access_timeout{30};
  std::chrono::seconds max_fw_timeout{300};
  bool max_fw_timeout_is_set = false;        ///< a command cycle is only cut to a limit that was written
  std::optional<std::int64_t> expires_at_s;  ///< Unix time; nullopt = never
  bool enable_cmd_exec = false;
  bool enable_cmd_sudo_exec = false;
  CommandUser cmd_exec;
  CommandUser cmd_sudo_exec;
  std::optional<CommandCycle> cycle;
  std::optional<std::string> cycle_close_text;  ///< as written, NONE included, for the dump
  unsigned cycle_timer_s = 0;                   ///< CMD_CYCLE_TIMER, also without a cycle, for the dump
  std::optional<std::string> require_username;
  bool require_source_address = false;

  std::optional<ForceNat> force_nat;         ///< 0.0.0.0 port 0 when implied by FORWARD_ALL
  std::optional<std::string> force_snat_ip;  ///< canonical IPv4
  bool force_masquerade = false;
  bool disable_dnat = false;
  bool forward_all = false;

  GpgStanza gpg;
};

}  // namespace latchkey::fwknopd
