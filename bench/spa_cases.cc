// SPDX-License-Identifier: GPL-2.0-or-later
// SPA packets: making, refusing, opening.
#include <array>

#include "bench/cases.h"
#include "bench/spa_inputs.h"
#include "common/base/random.h"
#include "common/crypto/digest.h"
#include "common/spa/payload.h"
#include "common/spa/validate.h"

namespace latchkey::bench {

std::string cipher_key(unsigned number) { return "cipher key of stanza " + std::to_string(number); }
std::string hmac_key(unsigned number) { return "a longer key for the HMAC of stanza " + std::to_string(number); }

spa::Sealed seal_for(unsigned number, std::string_view access) {
  SeededRng rng(number);
  spa::Message message{.random_value = spa::make_random_value(rng).value(),
                       .username = "root",
                       .timestamp_s = packet_time_s,
                       .body = spa::Access{.request = spa::parse_access(access, spa::Side::sender).value()}};
  const spa::SealSettings settings{.hmac_type = spa::DigestType::sha256};
  return spa::seal(message, as_bytes(cipher_key(number)), as_bytes(hmac_key(number)), settings, rng).value();
}

spa::PacketKeys keys_of(unsigned number) {
  return {{.hmac_type = spa::DigestType::sha256},
          crypto::SecretBytes::copy_of(cipher_key(number)),
          as_bytes(hmac_key(number))};
}

namespace {

Work check_payload() {
  return [wire = seal_for(1).wire] { keep(spa::check_payload(as_bytes(wire), {})); };
}

Work refuse() {
  auto keys = std::make_shared<spa::PacketKeys>(keys_of(2));
  return [keys, wire = seal_for(1).wire] {
    const spa::IncomingPacket packet(wire);
    keep(spa::check_hmac(packet, *keys));
  };
}

Work open() {
  auto keys = std::make_shared<spa::PacketKeys>(keys_of(1));
  return [keys, wire = seal_for(1).wire] {
    const spa::IncomingPacket packet(wire);
    keep(spa::open_rijndael(packet, *keys));
  };
}

constexpr auto cases = std::to_array<Case>({
    {"spa/check_payload", check_payload},
    {"spa/refuse_by_hmac", refuse},
    {"spa/open", open},
    {"spa/seal", []() -> Work { return [] { keep(seal_for(1)); }; }},
    // What libgcrypt takes for it: bench/peers shows these as limits.
    {"limit/libgcrypt_SHA-256_of_200_bytes",
     []() -> Work {
       return [text = std::string(200, 'x')] { keep(crypto::digest(crypto::DigestType::sha256, as_bytes(text))); };
     }},
    {"limit/libgcrypt_HMAC-SHA-256_of_200_bytes",
     []() -> Work {
       auto hmac = std::make_shared<crypto::Hmac>(crypto::DigestType::sha256, as_bytes(hmac_key(1)));
       return [hmac, text = std::string(200, 'x')] { keep(hmac->compute(as_bytes(text))); };
     }},
});

}  // namespace

std::span<const Case> spa_cases() { return cases; }

}  // namespace latchkey::bench
