// SPDX-License-Identifier: GPL-2.0-or-later
// Which commands an opening runs, with the source filled in (spec/knockd.md 6.1 and 6.2). Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/net/address.h"
#include "knockd/door.h"

namespace latchkey::knockd {

/// A command that expands to more is refused.
inline constexpr std::size_t max_command_bytes = 4095;

/// Shell texts, ready to run.
struct Opening {
  std::string start;
  std::optional<std::string> stop;  ///< nullopt: nothing is closed later
};
/// A command is too long: this text says which, nothing runs.
struct RefusedOpening {
  std::string_view text;
};
struct NoCommands {};
using OpeningPlan = std::variant<NoCommands, RefusedOpening, Opening>;

OpeningPlan plan_opening(const Door& door, const net::IpAddress& source);

/// Every "%IP%" becomes `source`; nothing else is special.
std::string expand_command(std::string_view command, std::string_view source);

}  // namespace latchkey::knockd
