// SPDX-License-Identifier: GPL-2.0-or-later
// Landlock: the kernel's own refusal of files, TCP and foreign processes, for those without a file to open.
#pragma once
#include "common/base/result.h"

namespace latchkey::privsep {

/// Gives up, for good, every right that this kernel's Landlock can take: all file-system access by path, binding and
/// connecting TCP, abstract sockets and signals to outside. Open descriptors keep working. Needs NO_NEW_PRIVS.
/// Error: os_code ENOSYS or EOPNOTSUPP where the kernel has no Landlock or it is switched off.
Result<void> restrict_with_landlock();

}  // namespace latchkey::privsep
