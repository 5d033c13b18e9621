// SPDX-License-Identifier: GPL-2.0-or-later
// From settings to the SPA message: user name, time stamp, access or command, NAT (spec/fwknop-client.md 10).
#pragma once
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/spa/code.h"
#include "common/spa/message.h"
#include "fwknop/console.h"
#include "fwknop/rc_location.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// "fwknop: <call>: Error <n> - <text>", the line of every library error.
std::string library_error(std::string_view call, spa::Code code);

/// Now plus the offset. Error: timestamp_validfail when that is before 1970 or after 2106, where the field ends.
Result<std::uint32_t> make_timestamp(const Settings& settings, WallTime now);

/// The name of the environment or the account, when -U and SPOOF_USER give none: checked as fko_new does.
Result<std::string> find_user_name(const Settings& settings, const Environment& environment);

struct NatRequest {
  std::string access;      ///< what stands behind the address in the message
  std::string nat_string;  ///< empty without NAT
  bool is_random = false;  ///< the port in `access` was drawn
  int port = 0;
};

/// The access list and the NAT string of -A, -N, --nat-local, --nat-port and --nat-rand-port (10.2, 10.4). Error: the
/// lines for standard error.
Result<NatRequest> make_nat(const Settings& settings, const std::string& allow_address, Rng& rng);

/// Everything but the random value, the user and the time. Prints the line about a random NAT port.
Result<spa::Body> make_body(const Settings& settings, const std::string& allow_address, Rng& rng, Console& console);

/// Uniform over 10000-65535 (D30).
Result<int> random_port(Rng& rng);

}  // namespace latchkey::fwknop
