// SPDX-License-Identifier: GPL-2.0-or-later
// The sensor: captures, parses and matches, without privileges; all it can say is what packets did to which door.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/address.h"
#include "common/privsep/channel.h"
#include "common/privsep/confine.h"
#include "knockd/door.h"

namespace latchkey::knockd {

struct SensorSetup {
  std::vector<std::string> interfaces;
  std::string replay_file;  ///< not empty: packets come from it
  std::vector<Lock> doors;
  std::vector<net::IpAddress> local_addresses;
  bool is_debug = false;
  /// Somebody reads the lines: else the monitor is told of openings alone.
  bool writes_lines = true;
};

/// Opens the captures; to be called with privileges, in the process that will run it. Error: a whole line for the user.
Result<std::unique_ptr<privsep::ConfinedProgram>> make_sensor(const SensorSetup& setup, privsep::Channel channel);

}  // namespace latchkey::knockd
