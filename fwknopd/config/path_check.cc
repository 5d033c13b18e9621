// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of paths.
#include "fwknopd/config/path_check.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t longest_path = 1023;

bool is_of_kind(mode_t mode, PathKind kind) {
  switch (kind) {
    case PathKind::regular_file:
      return S_ISREG(mode);
    case PathKind::folder:
      return S_ISDIR(mode);
    case PathKind::executable:
      return S_ISREG(mode) && (mode & S_IXUSR) != 0;
  }
  return false;
}

}  // namespace

std::optional<PathProblem> check_path(const std::string& path, PathKind kind) {
  if (path.size() > longest_path) return PathProblem{"[-] Provided path is too long"};
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0)
    return PathProblem{fmt::format("[-] unable to lstat() path: {}: {}", path, std::strerror(errno))};
  if (!is_of_kind(facts.st_mode, kind)) return PathProblem{};
  return std::nullopt;
}

std::string drop_last_slash(std::string path) {
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string make_absolute(const std::string& path) {
  if (path.empty() || path.starts_with('/')) return path;
  std::string folder(PATH_MAX, '\0');
  if (::getcwd(folder.data(), folder.size()) == nullptr) return path;
  folder.resize(std::strlen(folder.c_str()));
  return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", path);
}

}  // namespace latchkey::fwknopd
