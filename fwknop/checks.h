// SPDX-License-Identifier: GPL-2.0-or-later
// Cross-option checks: what must hold before a packet is built (spec/fwknop-client.md 1.2).
#pragma once
#include <string_view>

#include "common/base/result.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Checks in the peer's order, and completes what follows from other options: the stanza's name, whether the address
/// is resolved, the user agent, the HMAC digest. Error: the line for standard error.
Result<void> check_settings(Settings& settings, bool is_stanza_found, std::string_view version, Console& console);

}  // namespace latchkey::fwknop
