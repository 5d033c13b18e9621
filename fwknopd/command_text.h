// SPDX-License-Identifier: GPL-2.0-or-later
// Command texts: variables of command cycles, words of a command line (spec/fwknopd-runtime.md 6). Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"
#include "fwknopd/config/stanza.h"
#include "fwknopd/firewall/grant.h"

namespace latchkey::fwknopd {

/// What the variables of CMD_CYCLE_OPEN and CMD_CYCLE_CLOSE stand for.
struct CycleValues {
  net::IpAddress allowed;            ///< $IP, $SRC
  net::IpAddress packet_source;      ///< $PKT_SRC
  net::IpAddress destination;        ///< $DST
  Service service;                   ///< $PORT, $PROTO: the first of the message
  std::uint64_t timestamp_s = 0;     ///< of the SPA message; $TIMEOUT is this plus the lifetime
  std::chrono::seconds lifetime{0};  ///< $CLIENT_TIMEOUT
};

inline constexpr std::size_t longest_cycle_command = 4096;

/// Only typed values get in, so nothing that a packet says can add a word. A `$` before anything unknown is dropped.
/// nullopt: longer than longest_cycle_command.
std::optional<std::string> expand_cycle_command(std::string_view text, const CycleValues& values);

inline constexpr std::size_t most_command_words = 28;

/// The words between white space, as they are; nothing is quoted or expanded. nullopt: none, or more than
/// most_command_words.
std::optional<std::vector<std::string>> split_command(std::string_view text);

/// The command of an SPA message as it is run: behind sudo where the stanza says so.
std::string full_command(const Stanza& stanza, std::string_view sudo_exe, std::string_view text);

}  // namespace latchkey::fwknopd
