// SPDX-License-Identifier: GPL-2.0-or-later
// The run directory.
#include "fwknopd/config/run_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace latchkey::fwknopd {
namespace {

// Every missing component, 0700.
bool make_components(const std::string& path, log::Logger& log) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string component = path.substr(0, slash);
    struct stat facts {};
    if (::stat(component.c_str(), &facts) == 0) {
      if (!S_ISDIR(facts.st_mode)) {
        log.error("Component: {} of {} is NOT a directory", component, path);
        return false;
      }
    } else if (::mkdir(component.c_str(), 0700) != 0 && errno != EEXIST) {
      log.error("Unable to create Run directory: {} (error: {})", path, errno);
      return false;
    }
    if (slash == std::string::npos || slash + 1 >= path.size()) return true;
  }
}

/// Whoever can put other files in the place of ours decides what is taken for a replay, and for open.
void look_at_owner(const std::string& path, const struct stat& facts, log::Logger& log) {
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
    log.warning("[-] Run directory: {} not owned by current effective user id", path);
  if ((facts.st_mode & S_IWOTH) != 0) log.warning("[-] Run directory: {} can be written by everybody", path);
}

}  // namespace

bool prepare_run_folder(const std::string& path, log::Logger& log) {
  if (path == "/") return true;
  if (!path.starts_with('/')) {
    log.error("Path '{}' is not absolute.", path);
    return false;
  }
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) {
    if (S_ISDIR(facts.st_mode)) {
      look_at_owner(path, facts, log);
      return true;
    }
    log.error("Specified Run directory: {} is NOT a directory", path);
    return false;
  }
  if (errno != ENOENT) {
    log.error("Stat of {} returned error {}", path, errno);
    return false;
  }
  log.warning("Run directory: {} does not exist. Attempting to create it.", path);
  if (!make_components(path, log)) return false;
  log.error("Successfully created Run directory: {}", path);
  return true;
}

}  // namespace latchkey::fwknopd
