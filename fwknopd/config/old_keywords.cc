// SPDX-License-Identifier: GPL-2.0-or-later
// Keywords of fwknop 1.9's access.conf.
#include "fwknopd/config/old_keywords.h"

#include <array>
#include <utility>

namespace latchkey::fwknopd {
namespace {

constexpr auto old_keywords = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"CMD_REGEX", "commands cannot be restricted by a pattern"},
    {"DATA_COLLECT_MODE", "the capture is chosen in fwknopd.conf"},
    {"DISABLE_FW_ACCESS", "every stanza opens the firewall, unless it has CMD_CYCLE_OPEN"},
    {"ENABLE_EXTERNAL_CMDS", "use CMD_CYCLE_OPEN, CMD_CYCLE_CLOSE and CMD_CYCLE_TIMER"},
    {"ENABLE_OUTPUT_ACCESS", "ENABLE_IPT_OUTPUT in fwknopd.conf decides for all stanzas"},
    {"ENCRYPT_SEQUENCE", "port knocking is knockd's"},
    {"EXTERNAL_CMD_ALARM", "use CMD_CYCLE_TIMER"},
    {"EXTERNAL_CMD_CLOSE", "use CMD_CYCLE_CLOSE"},
    {"EXTERNAL_CMD_OPEN", "use CMD_CYCLE_OPEN"},
    {"INTERNAL_NET_ACCESS", "use FORCE_NAT"},
    {"KNOCK_INTERVAL", "port knocking is knockd's"},
    {"KNOCK_LIMIT", "port knocking is knockd's"},
    {"MAX_TIME_DIFF", "port knocking is knockd's"},
    {"MIN_TIME_DIFF", "port knocking is knockd's"},
    {"PORT_OFFSET", "port knocking is knockd's"},
    {"REQUIRE_AUTH_METHOD", "there is no second authentication"},
    {"REQUIRE_OS", "operating systems are not looked at"},
    {"REQUIRE_OS_REGEX", "operating systems are not looked at"},
    {"SEQUENCE", "port knocking is knockd's"},
    {"SHADOW_FILE", "there is no second authentication"},
    {"SHARED_SEQUENCE", "port knocking is knockd's"},
});

}  // namespace

std::optional<std::string_view> advice_for_old_keyword(std::string_view keyword) {
  for (const auto& [name, advice] : old_keywords)
    if (name == keyword) return advice;
  return std::nullopt;
}

}  // namespace latchkey::fwknopd
