// SPDX-License-Identifier: GPL-2.0-or-later
// What all kinds of SPA message have in common.
#include "common/spa/message.h"

#include <array>

namespace latchkey::spa {

MessageType Message::type() const {
  return std::visit(
      Overloaded{
          [](const Command&) { return MessageType::command; },
          [](const Access& b) { return b.timeout_s ? MessageType::timeout_access : MessageType::access; },
          [](const NatAccess& b) { return b.timeout_s ? MessageType::timeout_nat_access : MessageType::nat_access; },
          [](const LocalNatAccess& b) {
            return b.timeout_s ? MessageType::timeout_local_nat_access : MessageType::local_nat_access;
          },
      },
      body);
}

const std::string& Message::text() const {
  return std::visit([](const auto& b) -> const std::string& { return b.request.text; }, body);
}

const std::string& Message::allow_ip() const {
  return std::visit([](const auto& b) -> const std::string& { return b.request.allow_ip; }, body);
}

const NatText* Message::nat() const {
  return std::visit(Overloaded{
                        [](const Command&) -> const NatText* { return nullptr; },
                        [](const Access&) -> const NatText* { return nullptr; },
                        [](const auto& b) -> const NatText* { return &b.nat; },
                    },
                    body);
}

std::optional<std::uint32_t> Message::timeout_s() const {
  return std::visit(Overloaded{
                        [](const Command&) -> std::optional<std::uint32_t> { return std::nullopt; },
                        [](const auto& b) { return b.timeout_s; },
                    },
                    body);
}

Result<std::string, Code> make_random_value(Rng& rng) {
  std::string digits;
  // One system call for all digits, as a rule: bytes from 250 on are left out, so that no digit is more likely.
  std::array<std::byte, 2 * limit::random_value> bytes;
  while (digits.size() < limit::random_value) {
    if (!rng.fill(bytes)) return fail(Code::filesystem_operation);
    for (const std::byte byte : bytes) {
      const int value = std::to_integer<int>(byte);
      if (value < 250 && digits.size() < limit::random_value) digits += static_cast<char>('0' + value % 10);
    }
  }
  return digits;
}

}  // namespace latchkey::spa
