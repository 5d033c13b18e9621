// SPDX-License-Identifier: GPL-2.0-or-later
// SPA messages for tests: a plain one and random ones of every kind.
#pragma once
#include <string>

#include "common/base/random.h"
#include "common/spa/message.h"
#include "common/spa/validate.h"

namespace latchkey::test {

inline spa::Message sample_message() {
  return {.random_value = "1234567890123456",
          .username = "alice",
          .timestamp_s = 1704164645,
          .body = spa::Access{spa::parse_access("1.2.3.4,tcp/22", spa::Side::sender).value()}};
}

class MessageMaker {
 public:
  explicit MessageMaker(std::uint64_t seed) : rng_(seed) {}
  std::uint32_t below(std::uint32_t bound) { return rng_.below(bound).value(); }
  Rng& rng() { return rng_; }

  spa::Message make() {
    spa::Message message{.random_value = spa::make_random_value(rng_).value(),
                         .username = letters(1 + below(63)),
                         .timestamp_s = below(0xffffffff),
                         .body = body()};
    if (below(3) == 0) message.server_auth = letters(1 + below(63));
    return message;
  }

 private:
  std::string letters(std::uint32_t count) {
    std::string text;
    while (text.size() < count) text += static_cast<char>('a' + below(26));
    return text;
  }
  std::string address() {
    return std::to_string(below(256)) + '.' + std::to_string(below(256)) + '.' + std::to_string(below(256)) + '.' +
           std::to_string(below(256));
  }
  spa::AccessText access() {
    std::string text = address();
    for (std::uint32_t i = 0, n = 1 + below(20); i < n; ++i)
      text += std::string(below(2) == 0 ? ",tcp/" : ",udp/") + std::to_string(1 + below(65535));
    return spa::parse_access(text, spa::Side::receiver).value();
  }
  spa::NatText nat() {
    return spa::parse_nat(letters(1 + below(63)) + ',' + std::to_string(1 + below(65535)), spa::Side::receiver).value();
  }
  std::optional<std::uint32_t> timeout() {
    if (below(2) == 0) return std::nullopt;
    return below(65537);
  }
  spa::Body body() {
    switch (below(4)) {
      case 0:
        return spa::Command{spa::parse_command(address() + ',' + letters(1 + below(200)), spa::Side::receiver).value()};
      case 1:
        return spa::Access{access(), timeout()};
      case 2:
        return spa::NatAccess{access(), nat(), timeout()};
      default:
        return spa::LocalNatAccess{access(), nat(), timeout()};
    }
  }
  SeededRng rng_;
};

}  // namespace latchkey::test
