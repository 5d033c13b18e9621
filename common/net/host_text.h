// SPDX-License-Identifier: GPL-2.0-or-later
// The zone of an address by the name of its interface. Clients only: it opens a socket, for which a sensor is killed.
#pragma once
#include <string>

#include "common/net/address.h"

namespace latchkey::net {

/// The address as getnameinfo prints it: without port and brackets, with the zone where there is one ("fe80::1%eth0").
std::string format_host(const SocketAddress& address);

}  // namespace latchkey::net
