// SPDX-License-Identifier: GPL-2.0-or-later
// Users and groups of the system, by name or number.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace latchkey::os {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
  std::string shell;
};

/// Error: "NAME: no such user" (os_code ENOENT) or what the name service reported.
Result<User> find_user(const std::string& name);
Result<User> find_user(uid_t uid);
/// Error: "NAME: no such group" (os_code ENOENT) or what the name service reported.
Result<gid_t> find_group(const std::string& name);
/// What initgroups() would set for `user`, `gid` included.
std::vector<gid_t> groups_of(const User& user, gid_t gid);

}  // namespace latchkey::os
