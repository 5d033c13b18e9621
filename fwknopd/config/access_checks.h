// SPDX-License-Identifier: GPL-2.0-or-later
// What is checked and filled in when a stanza, or the whole tree, has been read (spec/fwknopd-config.md 12.5, 12.6).
#pragma once
#include <memory>
#include <vector>

#include "fwknopd/config/draft.h"

namespace latchkey::fwknopd {

/// The stanza is complete, or its key file has been read. Tells what is wrong, warnings once. False: it cannot be used.
bool check_stanza(Draft& draft, const Settings& settings, Report& report, Severity severity);

/// Lists, numbers, defaults and GPG rules of all stanzas, in two rounds as the peer. False: an error was reported.
bool complete_stanzas(const std::vector<std::unique_ptr<Draft>>& drafts, const Settings& settings, Report& report);

/// For the configuration check only: no HMAC, one key in two places, placeholders.
void advise_on_stanzas(const std::vector<std::unique_ptr<Draft>>& drafts, Report& report);

}  // namespace latchkey::fwknopd
