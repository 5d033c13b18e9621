// SPDX-License-Identifier: GPL-2.0-or-later
// Log levels, with the numbers of syslog.
#pragma once

namespace latchkey::log {

/// error: the administrator must act; warning: input refused or service degraded; notice, info: access granted,
/// withdrawn, start, stop; debug: packet by packet.
enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

}  // namespace latchkey::log
