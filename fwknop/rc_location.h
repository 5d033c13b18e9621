// SPDX-License-Identifier: GPL-2.0-or-later
// Where the client's files are, whether they are safe, and the first rc file (spec/fwknop-client.md 4.1-4.3, 8).
#pragma once
#include <optional>
#include <string>

#include "common/base/result.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// What of the environment counts; tests fill it in.
struct Environment {
  std::optional<std::string> home = {};
  std::optional<std::string> spoof_user = {};
  std::optional<std::string> logname = {};
  std::optional<std::string> user = {};
  std::optional<std::string> account_name = {};  ///< the effective user's, when `uses_system_account` is off
  bool uses_system_account = true;

  static Environment of_process();
};

/// The rc file's path. Error: the line for standard error.
Result<std::string> find_rc_path(const Settings& settings, const Environment& environment);
/// The path of the saved command line.
Result<std::string> find_args_path(const Settings& settings, const Environment& environment);

/// Warns about a file that others could read or change (4.2); nothing when it is not there. Error: stat(2) failed for
/// another reason, the line for standard error.
Result<void> check_private_file(const std::string& path, Console& console);

/// Creates the rc file with its comments when it is not there, and says so. False: there is none, which is printed; the
/// run goes on without.
bool create_missing_rc_file(const std::string& path, Console& console);

}  // namespace latchkey::fwknop
