// SPDX-License-Identifier: GPL-2.0-or-later
// What the files of the pipeline share: the state of a stanza, of a packet on its way, and of its decryption by gpg.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/spa/dump.h"
#include "common/spa/open.h"
#include "fwknopd/pipeline.h"

namespace latchkey::fwknopd {

/// A message that gpg decrypted, or why it did not.
struct Pipeline::GpgOutcome {
  /// Where it failed; each place has its own log line (2.2 B6).
  enum class Stage { opened, before_decryption, exe, home, decryption };
  Stage stage = Stage::before_decryption;
  spa::Code code = spa::Code::success;
  std::string detail;  ///< path for `exe` and `home`, GPGME's text for `decryption`
  std::optional<spa::Opened> opened;
  spa::GpgDump dump;
  std::string signer_id;                         ///< as the log shows it
  std::string signer_fingerprint;                ///< of the key that signed
  std::vector<std::string> signer_fingerprints;  ///< all that name the signer: subkey and primary key
};

struct Pipeline::StanzaState {
  explicit StanzaState(const Stanza& stanza);
  spa::PacketKeys rijndael;
  spa::PacketKeys gpg;
  bool is_expiry_told = false;
};

/// What a message asks for; commands count as plain access.
RequestKind kind_of(const spa::Body& body);

/// One payload on its way through the stanzas.
struct Pipeline::Attempt {
  SpaPacket packet;  ///< without its payload
  spa::IncomingPacket incoming;
  ReplayDigest digest;
  std::string source;                           ///< as text, for the log
  std::optional<net::IpAddress> forwarded_for;  ///< X-Forwarded-For
  net::IpAddress allowed;
  std::optional<GpgOutcome> gpg;  ///< of the stanza in hand
  bool is_remembered = false;
  bool is_told = false;  ///< the lines of the stanza in hand are written, not suppressed

  // Where the packet stands, for one that waits for gpg.
  std::size_t position = 0;             ///< in the candidates of its source
  unsigned step = 0;                    ///< of the stanza's plan
  std::optional<spa::Code> failure;     ///< of the stanza's earlier step
  std::optional<std::uint64_t> gpg_id;  ///< set while it waits
  std::optional<GpgAnswer> answer;      ///< what it waited for
};

}  // namespace latchkey::fwknopd
