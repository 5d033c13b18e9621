// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes the plaintext decoder: the input as it is, and again with the right digest so that every field is reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/spa/codec.h"

using namespace latchkey;

namespace {

void check(std::string_view plaintext) {
  const auto decoded = spa::decode(as_bytes(plaintext));
  if (!decoded) return;
  // What the sender writes for this message decodes to the same message.
  const auto encoded = spa::encode(decoded->message);
  if (!encoded) std::abort();
  const auto again = spa::decode(as_bytes(*encoded + ':' + spa::internal_digest(spa::DigestType::sha256, *encoded)));
  if (!again || !(again->message == decoded->message)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{as_text(std::as_bytes(std::span{data, size}))};
  check(text);
  check(text + ':' + spa::internal_digest(spa::DigestType::md5, text));
  return 0;
}
