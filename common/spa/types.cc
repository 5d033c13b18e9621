// SPDX-License-Identifier: GPL-2.0-or-later
// Names of modes, types and messages.
#include "common/spa/types.h"

#include <array>

#include "common/base/text.h"

namespace latchkey::spa {
namespace {

// Indexed by the number of EncryptionMode.
constexpr auto mode_names = std::to_array<std::string_view>(
    {"Unknown encryption mode", "ECB", "CBC", "CFB", "PCBC", "OFB", "CTR", "Asymmetric", "legacy"});

// Indexed by the number of MessageType.
constexpr auto message_names = std::to_array<std::string_view>(
    {"Command msg", "Access msg", "NAT access msg", "Client timeout access msg", "Client timeout NAT access msg",
     "Local NAT access msg", "Client timeout local NAT access msg"});

}  // namespace

std::string_view encryption_type_name(EncryptionType type) {
  switch (type) {
    case EncryptionType::rijndael:
      return "Rijndael";
    case EncryptionType::gpg:
      return "GPG";
    case EncryptionType::unknown:
      break;
  }
  return "Unknown encryption type";
}

std::optional<EncryptionMode> parse_encryption_mode(std::string_view name) {
  for (std::size_t i = 1; i < mode_names.size(); ++i) {
    const auto mode = static_cast<EncryptionMode>(i);
    if (mode != EncryptionMode::pcbc && equals_ignoring_case(name, mode_names[i])) return mode;
  }
  return std::nullopt;
}

std::string_view encryption_mode_name(EncryptionMode mode) { return mode_names.at(static_cast<std::size_t>(mode)); }

std::string_view message_type_name(MessageType type) { return message_names.at(static_cast<std::size_t>(type)); }

EncryptionType guess_encryption(std::size_t text_length) {
  if (text_length < limit::least_text || text_length >= limit::text_below) return EncryptionType::unknown;
  return text_length >= limit::gpg_text ? EncryptionType::gpg : EncryptionType::rijndael;
}

}  // namespace latchkey::spa
