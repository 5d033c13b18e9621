// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets with keys and random numbers that are always the same.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "common/spa/open.h"
#include "common/spa/seal.h"

namespace latchkey::bench {

/// 2026-01-01 00:00:00 UTC, when every packet was made.
inline constexpr std::uint32_t packet_time_s = 1767225600;

/// The keys of stanza `number`.
std::string cipher_key(unsigned number);
std::string hmac_key(unsigned number);

/// `0.0.0.0,tcp/22` or what `access` says, CBC, HMAC-SHA256, for stanza `number`.
spa::Sealed seal_for(unsigned number, std::string_view access = "192.0.2.7,tcp/22");
spa::PacketKeys keys_of(unsigned number);

}  // namespace latchkey::bench
