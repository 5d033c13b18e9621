// SPDX-License-Identifier: GPL-2.0-or-later
// What the sensor does with a payload before any key is touched: outer checks, HTTP, replay digest (7.1, 7.5, 8).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/spa/code.h"

namespace latchkey::spa {

struct HttpSettings {
  bool is_enabled = false;             ///< ENABLE_SPA_OVER_HTTP
  bool allows_any_user_agent = false;  ///< ALLOW_ANY_USER_AGENT
  bool reads_x_forwarded_for = false;  ///< ENABLE_X_FORWARDED_FOR
};

struct Payload {
  std::string text;  ///< the wire packet: base64 characters, 140..1500 of them
  /// Value of X-Forwarded-For, up to the first blank; not checked to be an address.
  std::optional<std::string> forwarded_for = {};
};

/// Steps 2 to 4 of 7.1. Errors: bad_data, not_spa_data. Nothing is allocated for a payload that is refused.
Result<Payload, ServerCode> check_payload(ByteView payload, const HttpSettings& http);

/// Base64 of the SHA-256 of the wire packet, 43 characters (7.5).
std::string replay_digest(std::string_view wire);

}  // namespace latchkey::spa
