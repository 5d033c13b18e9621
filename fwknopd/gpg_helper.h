// SPDX-License-Identifier: GPL-2.0-or-later
// The GPG helper: the process that has the key rings and starts gpg, one request at a time (DESIGN, rule 5).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/privsep/confine.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/gpg_messages.h"

namespace latchkey::fwknopd {

/// Its channel carries encoded requests in and answers out, both of type 1.
inline constexpr std::uint16_t gpg_message_type = 1;

/// `configuration` is this process's copy by fork, and loses the keys that gpg has no use for.
Result<std::unique_ptr<privsep::ConfinedProgram>> make_gpg_helper(privsep::Channel channel,
                                                                  Configuration& configuration);

/// What keeps a request from gpg: the answer bad_exe or bad_home, as the calling process sees the two paths.
std::optional<GpgAnswer> find_gpg_path_fault(const GpgRequest& request, const Stanza& stanza, const Settings& settings);
/// GPG_HOME_DIR of the stanza, or of fwknopd.conf.
const std::string& gpg_home_of(const Stanza& stanza, const Settings& settings);

/// Runs gpg for one request, however long it takes. `stanza` and `settings` are those that the request names.
GpgAnswer answer_gpg_request(const GpgRequest& request, const Stanza& stanza, const Settings& settings);

}  // namespace latchkey::fwknopd
