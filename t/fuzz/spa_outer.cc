// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes what a stranger reaches first: outer checks and the Rijndael decoder, with and without HMAC.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "common/spa/open.h"
#include "common/spa/payload.h"

using namespace latchkey;

namespace {

spa::PacketKeys make_keys(spa::EncryptionMode mode, spa::DigestType hmac_type, std::string_view hmac_key) {
  return {{.mode = mode, .hmac_type = hmac_type}, crypto::SecretBytes::copy_of("testtest"), as_bytes(hmac_key)};
}

const std::array<spa::PacketKeys, 4>& all_keys() {
  static const std::array<spa::PacketKeys, 4> keys{
      make_keys(spa::EncryptionMode::cbc, spa::DigestType::none, ""),
      make_keys(spa::EncryptionMode::ctr, spa::DigestType::none, ""),
      make_keys(spa::EncryptionMode::cbc, spa::DigestType::sha256, "hmachmac"),
      make_keys(spa::EncryptionMode::asymmetric, spa::DigestType::md5, "hmachmac")};
  return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span{data, size});
  const auto payload = spa::check_payload(bytes, {});
  if (payload && payload->text != as_text(bytes)) std::abort();
  const spa::IncomingPacket packet{as_text(bytes)};
  for (const auto& keys : all_keys()) {
    const auto opened = spa::open_rijndael(packet, keys);
    // What opens is what this very text says: its replay digest is the only one of this ciphertext.
    if (opened && packet.wire().find('=') != std::string_view::npos) std::abort();
  }
  spa::plan_attempts(packet.wire(), {.has_rijndael_key = true, .uses_gpg = true, .allows_commands = false});
  return 0;
}
