// SPDX-License-Identifier: GPL-2.0-or-later
// Names of the transports: -P, SPA_SERVER_PROTO and the transmission block.
#pragma once
#include <optional>
#include <string_view>

#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// Any case.
std::optional<Protocol> parse_protocol(std::string_view name);
std::string_view protocol_name(Protocol protocol);
/// Needs CAP_NET_RAW, and may carry another source address.
bool is_raw(Protocol protocol);

}  // namespace latchkey::fwknop
