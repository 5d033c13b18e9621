// SPDX-License-Identifier: GPL-2.0-or-later
// What sensor, monitor and GPG helper say to each other about a packet in asymmetric mode, and its encoding.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/crypto/gpg.h"
#include "common/spa/code.h"

namespace latchkey::fwknopd {

/// Sensor to monitor to helper: decrypt this with the keys of a stanza.
struct GpgRequest {
  std::uint64_t id = 0;      ///< comes back in the answer
  std::uint32_t stanza = 0;  ///< index from 0
  Bytes message;             ///< binary OpenPGP, what a packet can hold at most
};

/// Helper to monitor to sensor.
struct GpgAnswer {
  enum class Stage : std::uint8_t { decrypted, bad_exe, bad_home, failed };

  std::uint64_t id = 0;
  Stage stage = Stage::failed;
  spa::Code code = spa::Code::success;
  std::string text;                 ///< path for bad_exe and bad_home, GPGME's text for failed
  crypto::GpgDecrypted decrypted;   ///< with the first signature only; no recipients
  std::string primary_fingerprint;  ///< of the signer; empty: unknown
  bool is_for_decrypt_id = true;    ///< false: GPG_DECRYPT_ID is set, and none of the message's recipients
};

Bytes encode(const GpgRequest& request);
Bytes encode(const GpgAnswer& answer);

/// nullopt: too short, too long, or a field out of its range.
std::optional<GpgRequest> decode_gpg_request(ByteView payload);
std::optional<GpgAnswer> decode_gpg_answer(ByteView payload);

}  // namespace latchkey::fwknopd
