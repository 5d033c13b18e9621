// SPDX-License-Identifier: GPL-2.0-or-later
// Outer checks, HTTP form, replay digest.
#include "common/spa/payload.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/crypto/base64.h"
#include "common/crypto/digest.h"
#include "common/spa/types.h"

namespace latchkey::spa {
namespace {

constexpr std::string_view http_start = "GET /";
constexpr std::string_view own_user_agent = "User-Agent: Fwknop";
constexpr std::string_view forwarded_for_header = "X-Forwarded-For: ";

// The prefixes belong to the receiver: a packet that brings its own would be a second text of the same packet (7.5).
bool has_banned_prefix(std::string_view text) {
  return text.starts_with(rijndael_prefix) || (text.size() > limit::gpg_text && text.starts_with(gpg_prefix));
}

std::size_t find_ignoring_case(std::string_view text, std::string_view what) {
  for (std::size_t at = 0; at + what.size() <= text.size(); ++at)
    if (starts_with_ignoring_case(text.substr(at), what)) return at;
  return std::string_view::npos;
}

std::string_view up_to_blank(std::string_view text) {
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if(text, is_blank) - text.begin()));
}

std::optional<std::string> find_forwarded_for(std::string_view request) {
  const std::size_t at = find_ignoring_case(request, forwarded_for_header);
  if (at == std::string_view::npos) return std::nullopt;
  return std::string(up_to_blank(request.substr(at + forwarded_for_header.size())));
}

Result<Payload, ServerCode> unwrap_http(std::string_view request, const HttpSettings& http) {
  if (!http.allows_any_user_agent && request.find(own_user_agent) == std::string_view::npos)
    return fail(ServerCode::bad_data);
  const std::string_view path = up_to_blank(request.substr(http_start.size()));
  if (path.size() < limit::least_payload) return fail(ServerCode::bad_data);
  Payload payload{.text = std::string(path)};
  std::ranges::replace(payload.text, '-', '+');
  std::ranges::replace(payload.text, '_', '/');
  if (has_banned_prefix(payload.text)) return fail(ServerCode::bad_data);
  if (http.reads_x_forwarded_for) payload.forwarded_for = find_forwarded_for(request);
  return payload;
}

}  // namespace

Result<Payload, ServerCode> check_payload(ByteView bytes, const HttpSettings& http) {
  const std::string_view text = as_text(bytes);
  if (text.size() < limit::least_payload || text.size() > limit::most_payload || has_banned_prefix(text))
    return fail(ServerCode::bad_data);
  if (http.is_enabled && starts_with_ignoring_case(text, http_start)) {
    auto payload = unwrap_http(text, http);
    if (payload && !crypto::is_base64_text(payload->text)) return fail(ServerCode::not_spa_data);
    return payload;
  }
  if (!crypto::is_base64_text(text)) return fail(ServerCode::not_spa_data);
  return Payload{.text = std::string(text)};
}

std::string replay_digest(std::string_view wire) {
  return crypto::encode_base64(crypto::digest(DigestType::sha256, as_bytes(wire)).view());
}

}  // namespace latchkey::spa
