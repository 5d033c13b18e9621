// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes the extraction of an SPA packet from an HTTP request.
#include <cstdint>
#include <cstdlib>

#include "common/crypto/base64.h"
#include "common/spa/payload.h"
#include "common/spa/types.h"

using namespace latchkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span{data, size});
  for (const bool allows_any : {false, true}) {
    const auto payload = spa::check_payload(
        bytes, {.is_enabled = true, .allows_any_user_agent = allows_any, .reads_x_forwarded_for = true});
    if (!payload) continue;
    if (!crypto::is_base64_text(payload->text) || payload->text.starts_with(spa::rijndael_prefix)) std::abort();
    if (payload->text.size() < spa::limit::least_payload || payload->text.size() > spa::limit::most_payload)
      std::abort();
  }
  return 0;
}
