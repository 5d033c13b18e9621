// SPDX-License-Identifier: GPL-2.0-or-later
// GPG packets: the client's only door to GnuPG (spec/fwknop-client.md 14).
#pragma once
#include <string>

#include "common/base/result.h"
#include "common/crypto/gpg.h"
#include "common/spa/dump.h"
#include "common/spa/message.h"
#include "common/spa/open.h"
#include "common/spa/seal.h"
#include "fwknop/keys.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Executable, home, recipient, signer, in this order, before a key is asked for; the result is ready to encrypt.
/// Error: the lines for standard error.
Result<crypto::Gpg> open_gpg(const Settings& settings);

/// Error: the lines for standard error.
Result<spa::Sealed> seal_with_gpg(const Settings& settings, crypto::Gpg& gpg, const spa::Message& message,
                                  const Keys& keys, const spa::SealSettings& how);

/// Fills in what the dump of a GPG packet says before it is sent.
void describe_gpg(const Settings& settings, spa::DumpContext& context);

/// -T: the dump of the packet as the recipient reads it. Error: the lines for standard error.
Result<std::string> decode_with_gpg(const Settings& settings, crypto::Gpg& gpg, const std::string& wire,
                                    const spa::PacketKeys& keys, spa::DumpContext context);

}  // namespace latchkey::fwknop
