// SPDX-License-Identifier: GPL-2.0-or-later
// The "SPA Field Values" text of the client's -v and -T and of the server's debug log (spec/spa-wire.md 11).
#pragma once
#include <optional>
#include <string>

#include "common/spa/codec.h"

namespace latchkey::spa {

/// The ten lines of asymmetric mode. An absent text prints `<NULL>`.
struct GpgDump {
  std::optional<std::string> signer;
  std::optional<std::string> recipient;
  bool verifies_signature = true;
  bool ignores_signature_errors = false;
  std::optional<std::string> signature_id;
  std::optional<std::string> signature_fingerprint;
  int signature_summary = -1;
  int signature_status = -1;
  std::optional<std::string> home_dir;
  std::optional<std::string> exe;  ///< absent: the compiled-in path is printed
};

struct DumpContext {
  DigestType digest_type = DigestType::sha256;
  DigestType hmac_type = DigestType::none;
  EncryptionType encryption_type = EncryptionType::rijndael;
  EncryptionMode encryption_mode = EncryptionMode::cbc;
  std::string encoded = {};  ///< M; "Encoded Data"
  std::string digest = {};   ///< D; "SPA Data Digest"
  std::string hmac = {};     ///< H; empty prints `<NULL>`
  std::string wire = {};     ///< "Final SPA Data": with H on the sending side, without it on the receiving side
  std::optional<GpgDump> gpg = {};
  /// "Client Timeout" of a message that carries none: the client shows -f beside a command, too.
  std::optional<int> unsent_timeout_s = {};
};

/// Every line ends with a newline.
std::string format_fields(const Message& message, const DumpContext& context);

}  // namespace latchkey::spa
