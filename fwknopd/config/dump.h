// SPDX-License-Identifier: GPL-2.0-or-later
// The -D dump (spec/fwknopd-config.md 4.4). Keys are never shown.
#pragma once
#include <string>
#include <vector>

#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

std::string dump_settings(const Settings& settings);
std::string dump_stanzas(const std::vector<Stanza>& stanzas);

}  // namespace latchkey::fwknopd
