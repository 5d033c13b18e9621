// SPDX-License-Identifier: GPL-2.0-or-later
// Telling a service manager how far we are: systemd's notify protocol is one datagram, so no library is needed.
#pragma once
#include <string_view>

#include "common/base/result.h"

namespace latchkey::os {

/// Sends `state` ("READY=1", "STATUS=...", several joined by newlines) to $NOTIFY_SOCKET. Without that variable:
/// success, nothing sent.
Result<void> notify_service(std::string_view state);
/// "READY=1" and our process id: who has gone to the background is the service's main process from then on.
Result<void> notify_ready();
inline Result<void> notify_stopping() { return notify_service("STOPPING=1"); }
/// "RELOADING=1" with the time that systemd asks for; notify_ready() ends it.
Result<void> notify_reloading();
/// Whether what is written to `fd` becomes lines of the journal ($JOURNAL_STREAM).
bool is_journal(int fd);

}  // namespace latchkey::os
