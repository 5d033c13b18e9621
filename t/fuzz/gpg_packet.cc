// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes what asymmetric mode looks at before gpg is started, and the messages between the processes about it.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "common/spa/gpg_packet.h"
#include "fwknopd/gpg_messages.h"

using namespace latchkey;

namespace {

spa::PacketKeys make_keys(spa::DigestType hmac_type, std::string_view hmac_key) {
  return {{.mode = spa::EncryptionMode::asymmetric, .hmac_type = hmac_type}, {}, as_bytes(hmac_key)};
}

const std::array<spa::PacketKeys, 2>& all_keys() {
  static const std::array<spa::PacketKeys, 2> keys{make_keys(spa::DigestType::none, ""),
                                                   make_keys(spa::DigestType::sha256, "hmachmac")};
  return keys;
}

void check_packet(std::string_view wire) {
  const spa::IncomingPacket packet{wire};
  for (const auto& keys : all_keys()) {
    const auto head = spa::find_gpg_head(packet, keys);
    if (!head) continue;
    const auto message = spa::decode_gpg_text(packet, keys, *head);
    if (message) spa::looks_like_gpg(*message);
    if (head->empty() != packet.wire().starts_with(spa::gpg_prefix)) std::abort();
  }
}

// What decodes is what was encoded.
void check_messages(ByteView bytes) {
  if (const auto request = fwknopd::decode_gpg_request(bytes))
    if (fwknopd::encode(*request) != Bytes(bytes.begin(), bytes.end())) std::abort();
  if (const auto answer = fwknopd::decode_gpg_answer(bytes))
    if (fwknopd::encode(*answer) != Bytes(bytes.begin(), bytes.end())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span{data, size});
  spa::looks_like_gpg(bytes);
  check_packet(as_text(bytes));
  check_messages(bytes);
  return 0;
}
