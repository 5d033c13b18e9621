// SPDX-License-Identifier: GPL-2.0-or-later
// The SPA packet of a run: sealed, shown, read back by -T, written to -B (spec/fwknop-client.md 10.3, 12).
#pragma once
#include <optional>
#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/gpg.h"
#include "common/spa/dump.h"
#include "common/spa/message.h"
#include "common/spa/seal.h"
#include "fwknop/console.h"
#include "fwknop/keys.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

struct Packet {
  spa::Message message;
  spa::Sealed sealed;
};

/// Encrypts and authenticates. Warns about packets that not every server takes. Error: the lines for standard error;
/// also for an AES packet that every server would take for GPG by its length (D25). `gpg`: of open_gpg, in GPG mode.
Result<Packet> seal_packet(const Settings& settings, spa::Message message, const Keys& keys, crypto::Gpg* gpg, Rng& rng,
                           Console& console);

/// "SPA Field Values:" and what follows, with the blank line behind it.
std::string format_packet(const Settings& settings, const Packet& packet);

/// -T: what a server with the same keys reads. The text is the second dump; error: the lines for standard error.
Result<std::string> decode_own_packet(const Settings& settings, const Packet& packet, const Keys& keys,
                                      crypto::Gpg* gpg);

/// -B: complains on standard error when the file cannot be written; the run goes on.
void write_packet_file(const Settings& settings, const Packet& packet, Console& console);

}  // namespace latchkey::fwknop
