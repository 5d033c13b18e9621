// SPDX-License-Identifier: GPL-2.0-or-later
// Door: one section of knockd.conf as a value; what is in it has passed every check (spec/knockd.md 2.3-2.5).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/net/address.h"

namespace latchkey::knockd {

inline constexpr std::size_t max_sequence_hits = 32;
inline constexpr std::size_t max_door_name_bytes = 127;

/// The hits of a knock in their order, 1 to 32. A hit is TCP or UDP.
using Sequence = std::vector<net::PortProto>;

/// Which TCP flags a hit must have and must not have. A flag that is in neither set is not looked at.
struct TcpFlags {
  std::uint8_t set = 0;
  std::uint8_t clear = 0;
  bool accept(std::uint8_t flags) const { return (flags & set) == set && (flags & clear) == 0; }
  friend bool operator==(const TcpFlags&, const TcpFlags&) = default;
};

/// What the matcher looks at, and all that the sensor gets to know of a door.
struct Lock {
  Sequence sequence;
  TcpFlags flags;
  std::optional<net::IpAddress> target;  ///< nullopt: every local address
  std::int32_t seq_timeout_s = 25;
  std::int32_t seq_cooldown_s = 0;  ///< after an opening, its source is ignored that long
  bool allows_duplicates = false;   ///< a repeat of the last correct hit does no harm
  bool is_one_time = false;         ///< the sequence changes with every opening
  friend bool operator==(const Lock&, const Lock&) = default;
};

/// Commands of one family; nullopt: the directive is absent. An empty text is what the file says.
struct Commands {
  std::optional<std::string> start;
  std::optional<std::string> stop;
  friend bool operator==(const Commands&, const Commands&) = default;
};

struct Door {
  std::string name;
  Lock lock;
  Commands v4;
  Commands v6;
  std::int32_t cmd_timeout_s = 10;
  std::string one_time_path;  ///< empty: none

  /// The commands for a knock of that family (spec 6.1): IPv6 falls back to the IPv4 ones, each by itself.
  Commands commands_for(bool is_v6) const;
};

inline Commands Door::commands_for(bool is_v6) const {
  if (!is_v6) return v4;
  return {.start = v6.start ? v6.start : v4.start, .stop = v6.stop ? v6.stop : v4.stop};
}

}  // namespace latchkey::knockd
