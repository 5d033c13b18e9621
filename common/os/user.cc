// SPDX-License-Identifier: GPL-2.0-or-later
// Looking up users and groups in the name service.
#include "common/os/user.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>

namespace latchkey::os {
namespace {

constexpr std::size_t first_buffer_bytes = 4096;
constexpr std::size_t largest_buffer_bytes = 1024 * 1024;

/// Calls one of the get*_r functions with a buffer that grows while it asks for more. Returns its error number.
template <class Entry, class Call>
int look_up(Entry& entry, Entry*& found, std::vector<char>& buffer, Call call) {
  for (buffer.resize(first_buffer_bytes);; buffer.resize(buffer.size() * 2)) {
    const int code = call(&entry, buffer.data(), buffer.size(), &found);
    if (code != ERANGE || buffer.size() >= largest_buffer_bytes) return code;
  }
}

/// The name service says "not found" with 0 and with several error numbers.
bool means_not_found(int code) {
  return code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM;
}

Error not_found(const std::string& subject, int code, const char* text) {
  if (means_not_found(code)) return {subject + ": " + text, ENOENT};
  return os_error(subject, code);
}

template <class Call>
Result<User> user_from(const std::string& subject, Call call) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer;
  const int code = look_up(entry, found, buffer, call);
  if (!found) return fail(not_found(subject, code, "no such user"));
  return User{entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell};
}

}  // namespace

Result<User> find_user(const std::string& name) {
  return user_from(name, [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return getpwnam_r(name.c_str(), entry, buffer, size, found);
  });
}

Result<User> find_user(uid_t uid) {
  return user_from(std::to_string(uid), [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return getpwuid_r(uid, entry, buffer, size, found);
  });
}

Result<gid_t> find_group(const std::string& name) {
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer;
  const int code = look_up(entry, found, buffer, [&](group* e, char* b, std::size_t size, group** f) {
    return getgrnam_r(name.c_str(), e, b, size, f);
  });
  if (!found) return fail(not_found(name, code, "no such group"));
  return entry.gr_gid;
}

std::vector<gid_t> groups_of(const User& user, gid_t gid) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (getgrouplist(user.name.c_str(), gid, groups.data(), &count) < 0) {
    groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace latchkey::os
