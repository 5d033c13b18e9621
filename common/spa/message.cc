// SPDX-License-Identifier: GPL-2.0-or-later
// What all kinds of SPA message have in common.
#include "common/spa/message.h"

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
  while (digits.size() < limit::random_value) {
    const auto digit = rng.below(10);
    if (!digit) return fail(Code::filesystem_operation);
    digits += static_cast<char>('0' + *digit);
  }
  return digits;
}

}  // namespace latchkey::spa
