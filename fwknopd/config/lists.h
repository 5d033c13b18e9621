// SPDX-License-Identifier: GPL-2.0-or-later
// The list types of access.conf: addresses with masks, protocol/port pairs.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace latchkey::fwknopd {

/// IPv4 prefixes, host byte order (spec/fwknopd-config.md 12.3); ANY is 0/0.
class AddressList {
 public:
  struct Item {
    std::uint32_t network = 0;
    std::uint32_t mask = 0;
    bool operator==(const Item&) const = default;
  };

  AddressList() = default;
  explicit AddressList(std::vector<Item> items) : items_(std::move(items)) {}
  const std::vector<Item>& items() const { return items_; }
  bool contains(std::uint32_t ipv4) const {
    return std::ranges::any_of(items_, [ipv4](const Item& item) { return (ipv4 & item.mask) == item.network; });
  }

 private:
  std::vector<Item> items_;
};

enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };

/// OPEN_PORTS or RESTRICT_PORTS: a set, so entries may repeat (spec/fwknopd-config.md 12.4).
class PortSet {
 public:
  struct Item {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;
    auto operator<=>(const Item&) const = default;
  };

  PortSet() = default;
  explicit PortSet(std::vector<Item> items) : items_(std::move(items)) {
    std::ranges::sort(items_);
    // Not std::ranges::unique: clang 14 cannot use its subrange.
    items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
  }
  const std::vector<Item>& items() const { return items_; }
  bool contains(Item item) const { return std::ranges::binary_search(items_, item); }

 private:
  std::vector<Item> items_;
};

/// Error: the text that the peer logs for the first bad item; empty when the item is too long (only the "Fatal invalid
/// KEYWORD" line follows then).
Result<AddressList> parse_address_list(std::string_view text);
Result<PortSet> parse_port_set(std::string_view text);

}  // namespace latchkey::fwknopd
