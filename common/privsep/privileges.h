// SPDX-License-Identifier: GPL-2.0-or-later
// Giving up what a process does not need: descriptors, root directory, user, groups, capabilities, limits.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace latchkey::privsep {

/// Closes every descriptor that is not in `keep`. 0, 1 and 2 become /dev/null unless they are in it.
Result<void> close_all_but(std::vector<int> keep);

/// Makes a deleted, empty folder the root: nothing can be opened in it, nothing made. Needs CAP_SYS_CHROOT.
Result<void> enter_empty_root();

/// Takes away every capability beyond the present user change: nothing this process runs can get one.
Result<void> empty_bounding_set();

/// Real, effective and saved ids, no supplementary groups but `groups`; checks that there is no way back. Needs root.
Result<void> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups = {});

/// Clears every capability. A process that stays root gets none by starting a program once NO_NEW_PRIVS is set.
Result<void> drop_capabilities();

/// NO_NEW_PRIVS, not dumpable (no core, no ptrace), killed when the parent dies, no core files.
Result<void> lock_process();

/// The number that the next descriptor would get. Error: there can be none.
Result<int> lowest_free_descriptor();

/// No new processes, no growing files, no new descriptors from the number `first_forbidden` on; open ones stay.
Result<void> forbid_resources(int first_forbidden);

}  // namespace latchkey::privsep
