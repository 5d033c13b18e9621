// SPDX-License-Identifier: GPL-2.0-or-later
// Address and port lists, with the peer's texts for what is wrong in them.
#include "fwknopd/config/lists.h"

#include <fmt/format.h>

#include <bit>
#include <optional>
#include <string>

#include "common/base/text.h"
#include "common/config/line_reader.h"
#include "common/net/address.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t item_limit = 32;     // the peer's buffer, its NUL included
constexpr std::size_t address_limit = 16;  // the same

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  const auto address = net::parse_ip_address(text);
  if (!address || !address->is_v4()) return std::nullopt;
  return address->v4_value();
}

Result<std::uint32_t> parse_mask(std::string_view text) {
  if (text.empty()) return fail(Error{"[*] Missing mask value."});
  if (text.size() <= 2) {
    if (const auto bits = parse_number<unsigned>(text, 1, 32)) return ~std::uint32_t{0} << (32 - *bits);
  } else if (text.size() >= 7 && text.size() < address_limit) {
    const auto mask = parse_ipv4(text);
    const bool is_contiguous = mask && *mask != 0 && std::countl_one(*mask) + std::countr_zero(*mask) == 32;
    if (is_contiguous) return *mask;
    return fail(Error{fmt::format("[*] Fatal error parsing IP mask to int for: {}", text)});
  }
  return fail(Error{fmt::format("[*] Invalid IP mask str '{}'.", text)});
}

Result<AddressList::Item> parse_address_item(std::string_view text) {
  if (equals_ignoring_case(text, "any") || text == "0.0.0.0/0") return AddressList::Item{};
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  if (host.size() >= address_limit) return fail(Error{"[*] Error parsing string to IP"});
  std::uint32_t mask = ~std::uint32_t{0};
  if (slash != std::string_view::npos) {
    const auto parsed = parse_mask(text.substr(slash + 1));
    if (!parsed) return fail(parsed.error());
    mask = *parsed;
  }
  const auto address = parse_ipv4(host);
  if (!address) return fail(Error{fmt::format("[*] Fatal error parsing IP to int for: {}", host)});
  return AddressList::Item{*address & mask, mask};
}

Result<PortSet::Item> parse_port_item(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(Error{fmt::format("[*] Parse error on access port entry: {}", text)});
  const auto port = parse_number<std::uint16_t>(text.substr(slash + 1));
  if (!port) return fail(Error{fmt::format("[*] Invalid port '{}' in access request, must be in [0,65535]", text)});
  const std::string_view protocol = text.substr(0, slash);
  if (equals_ignoring_case(protocol, "tcp")) return PortSet::Item{Protocol::tcp, *port};
  if (equals_ignoring_case(protocol, "udp")) return PortSet::Item{Protocol::udp, *port};
  return fail(Error{fmt::format("[*] Invalid protocol in access port entry: {}", text)});
}

template <class Item>
Result<std::vector<Item>> parse_items(std::string_view text, Result<Item> (*parse)(std::string_view)) {
  std::vector<Item> items;
  for (const std::string_view part : split(config::cut_comment(text), ',')) {
    const std::string_view item = strip(part);
    if (item.size() >= item_limit) return fail(Error{});
    auto parsed = parse(item);
    if (!parsed) return fail(parsed.error());
    items.push_back(*parsed);
  }
  return items;
}

}  // namespace

Result<AddressList> parse_address_list(std::string_view text) {
  auto items = parse_items(text, parse_address_item);
  if (!items) return fail(items.error());
  return AddressList(std::move(*items));
}

Result<PortSet> parse_port_set(std::string_view text) {
  auto items = parse_items(text, parse_port_item);
  if (!items) return fail(items.error());
  return PortSet(std::move(*items));
}

}  // namespace latchkey::fwknopd
