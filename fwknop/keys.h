// SPDX-License-Identifier: GPL-2.0-or-later
// The two keys of a run: where they come from, and what they must be (spec/fwknop-client.md 7).
#pragma once
#include <optional>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

struct Keys {
  SecretBytes cipher;  ///< of the packet, or the passphrase of the GPG signing key
  SecretBytes hmac;    ///< empty when no HMAC is used
};

/// Inline keys, key files, descriptor, prompt: the first that is there. Error: the lines for standard error; an empty
/// text ends the run without one (Ctrl-C at the prompt).
Result<Keys> acquire_keys(const Settings& settings, Console& console);

/// The inline key that counts, decoded: the more recent of text and base64 (D14). nullopt: neither is there. Error:
/// `length_error` of the decoded length.
Result<std::optional<SecretBytes>> inline_key(const KeySlot& slot, std::string (*length_error)(std::size_t),
                                              std::size_t least, std::size_t most);

}  // namespace latchkey::fwknop
