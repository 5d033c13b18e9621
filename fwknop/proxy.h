// SPDX-License-Identifier: GPL-2.0-or-later
// The proxy of --http-proxy, and what may stand in a header line (spec/fwknop-client.md 11, D22, D35).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace latchkey::fwknop {

struct Proxy {
  std::string host;
  std::optional<std::uint16_t> port;
};

/// "[http://]HOST[:PORT][/anything]". Error: "[-] proxy port value is invalid, must be in [1-65535]".
Result<Proxy> parse_proxy(std::string_view text);

/// Text that goes into an HTTP header line must hold none of these (D22, D35).
bool has_control_characters(std::string_view text);

}  // namespace latchkey::fwknop
