// SPDX-License-Identifier: GPL-2.0-or-later
// The filter of a door in libpcap's language, as knockd 0.8 builds and -D shows it (spec/knockd.md 4).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "knockd/door.h"

namespace latchkey::knockd {

enum class Family { v4, v6 };

/// The addresses of a family at which a door takes knocks, in the order of `local`.
std::vector<net::IpAddress> destinations_of(const Lock& door, const std::vector<net::IpAddress>& local, Family family);

/// The part of one door for one family; nullopt when the door cannot be reached by it (no local address of that family,
/// or a target of the other). `local` is in system order. What is installed is built by filter_program.h.
std::optional<std::string> format_filter(const Lock& door, const std::vector<net::IpAddress>& local, Family family);

}  // namespace latchkey::knockd
