// SPDX-License-Identifier: GPL-2.0-or-later
// Checks and parsers of the single fields of an SPA message (spec/spa-wire.md 7.6).
#pragma once
#include <string_view>

#include "common/base/result.h"
#include "common/spa/code.h"
#include "common/spa/message.h"

namespace latchkey::spa {

/// A sender is judged as the peers judge it; what arrives also by the DEVIATE orders of 7.4 (octets with leading zeros,
/// NAT hosts that are no host names).
enum class Side { sender, receiver };

/// Errors: user_missing, user_firstchar_validfail, user_remchar_validfail. Any length: see limit::username.
Result<void, Code> check_username(std::string_view name);

/// Errors: message_empty, data_too_large, invalid_allow_ip, invalid_spa_access_msg.
Result<AccessText, Code> parse_access(std::string_view text, Side side);

/// Errors: message_empty, data_too_large, invalid_spa_command_msg.
Result<CommandText, Code> parse_command(std::string_view text, Side side);

/// Errors: nat_empty, data_too_large, invalid_spa_nat_access_msg.
Result<NatText, Code> parse_nat(std::string_view text, Side side);

/// Errors: srvauth_missing, data_too_large.
Result<void, Code> check_server_auth(std::string_view text);

/// Error: rand_len_validfail. The peers do not look at the characters.
Result<void, Code> check_random_value(std::string_view text);

/// Three dots, octets 0..255 as the system's dotted-quad parser reads them (a leading zero means octal); 7..15
/// characters. nullopt otherwise, and for leading zeros on the receiving side.
std::optional<std::uint32_t> parse_allow_ip(std::string_view text, Side side);

/// Letters, digits, `-`, in labels of 1..63, or a valid IPv4 address.
bool is_host_name(std::string_view text);

}  // namespace latchkey::spa
