// SPDX-License-Identifier: GPL-2.0-or-later
// Sending the packet: udp, tcp, http, udpraw, tcpraw, icmp (spec/fwknop-client.md 11).
#pragma once
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/base/result.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Prints the "Generating SPA packet:" block, sends (not with -T), prints the number of bytes. Error: the lines for
/// standard error, without the "packet not sent" line.
Result<void> send_packet(const Settings& settings, std::string_view packet, Rng& rng, Console& console);

/// The GET request around a packet; `proxy_host` empty: straight to the server.
std::string http_request(const Settings& settings, std::string_view packet, std::string_view proxy_host);

}  // namespace latchkey::fwknop
