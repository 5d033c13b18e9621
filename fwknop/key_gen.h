// SPDX-License-Identifier: GPL-2.0-or-later
// --key-gen and --key-gen-file (spec/fwknop-client.md 6).
#pragma once
#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/spa/keys.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Error: the line for standard error.
Result<spa::GeneratedKeys> make_keys(const Settings& settings, Rng& rng);

/// Writes them to the -K file, or prints them unless they were saved in `saved_in` (the rc file's path, else empty).
Result<void> hand_over_keys(const Settings& settings, const spa::GeneratedKeys& keys, const std::string& saved_in,
                            Console& console);

}  // namespace latchkey::fwknop
