// SPDX-License-Identifier: GPL-2.0-or-later
// What a stanza allows, as pure functions: the sensor decides with them, the monitor decides again.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"
#include "fwknopd/requests.h"

namespace latchkey::fwknopd {

/// How long a rule lives (spec/fwknopd-runtime.md 2.3). `client_timeout_s` 0: none was asked for.
std::chrono::seconds rule_lifetime(const Stanza& stanza, std::uint32_t client_timeout_s);

/// How long a command cycle stays open (6.2).
std::chrono::seconds cycle_lifetime(const Stanza& stanza, std::uint32_t client_timeout_s);

/// RESTRICT_PORTS, then OPEN_PORTS: no service in the first, all of them in the second (2.2 B22).
bool allows_services(const Stanza& stanza, const std::vector<Service>& services);

/// ENABLE_*_FORWARDING and ENABLE_*_LOCAL_NAT (2.2 B19). ipfw and pf refuse NAT later, with words of their own.
bool allows_kind(const FirewallSettings& settings, RequestKind kind);

bool is_expired(const Stanza& stanza, std::int64_t now_s);

/// SOURCE and DESTINATION (2.2 B1).
bool matches(const Stanza& stanza, const net::IpAddress& source, const net::IpAddress& destination);

/// Everything about a request that the monitor can judge without the packet: nullopt when it may be granted, else why
/// not, for the log. A sensor that keeps to the pipeline never asks for what is refused here.
std::optional<std::string> check_access(const Settings& settings, const Stanza& stanza, const AccessRequest& request,
                                        std::int64_t now_s);
std::optional<std::string> check_command(const Settings& settings, const Stanza& stanza, const CommandRequest& request,
                                         std::int64_t now_s);
std::optional<std::string> check_cycle(const Settings& settings, const Stanza& stanza, const CycleRequest& request,
                                       std::int64_t now_s);

}  // namespace latchkey::fwknopd
