// SPDX-License-Identifier: GPL-2.0-or-later
// Starting an unprivileged process of a daemon: own user, no capabilities, empty root, system-call filter.
#pragma once
#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/os/user.h"
#include "common/privsep/channel.h"
#include "common/privsep/sandbox.h"

namespace latchkey::privsep {

/// latchkey.conf [sandbox]; the reader of the file fills it.
struct SandboxSettings {
  std::string user;        ///< empty: the user chosen at build time (SENSOR_USER)
  bool is_enabled = true;  ///< the system-call filter; user, root and capabilities are given up in any case
};
/// The user of the sensor when none is configured.
std::string default_sensor_user();

/// What runs once confined. Built while still privileged, so that it can open what run() needs (event loop, secure
/// memory); afterwards nothing can be opened.
class ConfinedProgram {
 public:
  virtual ~ConfinedProgram() = default;
  /// The exit status of the process.
  virtual int run() = 0;
};

struct ConfineOptions {
  std::string name;  ///< of the process, as ps shows it, at most 15 bytes: "knockd: sensor"
  Profile profile = Profile::knockd_sensor;
  SandboxSettings settings;
  std::vector<int> keep;  ///< descriptors that stay open, beside the channel; 0, 1, 2 become /dev/null unless listed
  /// How many more descriptors may be opened: 1 for a sensor that accepts one connection at a time.
  unsigned spare_descriptors = 0;
  /// Keys must not reach the swap space: pages are locked as they come into use. A fork does not inherit such locks.
  bool locks_memory = false;
  /// The GPG helper: becomes this user, with all his groups, instead of the sensor's user; root is allowed. It keeps
  /// the file system, may start programs, and gets an environment of nothing but this user's.
  std::optional<os::User> owner;
};

struct ConfinedProcess {
  pid_t pid = -1;
  Channel channel;                 ///< our end
  std::vector<std::string> notes;  ///< degraded parts, one line each, to be logged as warnings
};

/// Whether a note says no more than that the kernel was built without Landlock, which the other walls make up for.
bool is_about_old_kernel(std::string_view note);

/// Called in the new process with its end of the channel, before privileges are dropped.
using MakeProgram = std::function<Result<std::unique_ptr<ConfinedProgram>>(Channel channel)>;

/// Forks (call it before any thread starts), closes descriptors, calls `make`, drops privileges, confines, runs, exits.
/// Returns in the parent once the child is confined. Errors (no such user, the user change refused, `make` failed):
/// the child is gone and reaped.
/// The child is killed when the parent dies, and ignores INT, TERM and HUP: it ends when its channel does.
Result<ConfinedProcess> start_confined(const ConfineOptions& options, const MakeProgram& make);

}  // namespace latchkey::privsep
