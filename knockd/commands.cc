// SPDX-License-Identifier: GPL-2.0-or-later
// Choosing and expanding the commands of a door.
#include "knockd/commands.h"

#include "common/base/text.h"
#include "knockd/texts.h"

namespace latchkey::knockd {

std::string expand_command(std::string_view command, std::string_view source) {
  return replace_all(command, "%IP%", source);
}

OpeningPlan plan_opening(const Door& door, const net::IpAddress& source) {
  const Commands commands = door.commands_for(source.is_v6());
  if (!commands.start || commands.start->empty()) return NoCommands{};
  const std::string source_text = net::format_ip_address(source);
  Opening opening{expand_command(*commands.start, source_text), std::nullopt};
  if (opening.start.size() > max_command_bytes) return RefusedOpening{texts::start_truncated};
  // 0.8 runs an empty stop command after its time; that does nothing, so there is nothing to wait for.
  if (commands.stop && !commands.stop->empty()) opening.stop = expand_command(*commands.stop, source_text);
  if (opening.stop && opening.stop->size() > max_command_bytes) return RefusedOpening{texts::stop_truncated};
  return opening;
}

}  // namespace latchkey::knockd
