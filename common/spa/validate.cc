// SPDX-License-Identifier: GPL-2.0-or-later
// The field checks.
#include "common/spa/validate.h"

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::spa {
namespace {

constexpr std::string_view refused_in_username = "\"/\\[]:;|=,+*?<>";
constexpr std::string_view refused_in_nat_host = " /?\"'\\";
// The peers look no further into a name.
constexpr std::size_t checked_username_characters = 64;

bool allows_in_username(char c) { return is_printable(c) && refused_in_username.find(c) == std::string_view::npos; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 5) return std::nullopt;
  return parse_number<std::uint16_t>(text, 1);
}

std::optional<PortItem> parse_item(std::string_view item) {
  Protocol protocol;
  if (item.starts_with("tcp/"))
    protocol = Protocol::tcp;
  else if (item.starts_with("udp/"))
    protocol = Protocol::udp;
  else
    return std::nullopt;
  const auto port = parse_port(item.substr(4));
  if (!port) return std::nullopt;
  return PortItem{protocol, *port};
}

std::optional<unsigned> parse_octet(std::string_view text, Side side) {
  const bool is_octal = text.size() > 1 && text[0] == '0';
  if (text.empty() || (is_octal && side == Side::receiver)) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, is_octal ? 8 : 10);
  if (error != std::errc{} || end != text.data() + text.size() || value > 255) return std::nullopt;
  return value;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
    return is_digit(c) || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool looks_like_address(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace

std::optional<std::uint32_t> parse_allow_ip(std::string_view text, Side side) {
  if (text.size() < 7 || text.size() > 15) return std::nullopt;
  const auto octets = split(text, '.');
  if (octets.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (const std::string_view octet : octets) {
    const auto value = parse_octet(octet, side);
    if (!value) return std::nullopt;
    address = address << 8 | *value;
  }
  return address;
}

Result<void, Code> check_username(std::string_view name) {
  if (name.empty()) return fail(Code::user_missing);
  if (!allows_in_username(name.front())) return fail(Code::user_firstchar_validfail);
  if (!std::ranges::all_of(name.substr(0, checked_username_characters), allows_in_username))
    return fail(Code::user_remchar_validfail);
  return {};
}

Result<AccessText, Code> parse_access(std::string_view text, Side side) {
  if (text.empty()) return fail(Code::message_empty);
  if (text.size() > limit::message) return fail(Code::data_too_large);
  const std::size_t comma = std::min(text.find(','), text.size());
  AccessText access{.text = std::string(text), .allow_ip = std::string(text.substr(0, comma))};
  const auto address = parse_allow_ip(access.allow_ip, side);
  if (!address) return fail(Code::invalid_allow_ip);
  access.address = *address;
  if (comma == text.size()) return fail(Code::invalid_spa_access_msg);
  for (const std::string_view item : split(text.substr(comma + 1), ',')) {
    const auto parsed = parse_item(item);
    if (!parsed) return fail(Code::invalid_spa_access_msg);
    access.ports.push_back(*parsed);
  }
  return access;
}

Result<CommandText, Code> parse_command(std::string_view text, Side side) {
  if (text.empty()) return fail(Code::message_empty);
  if (text.size() > limit::message) return fail(Code::data_too_large);
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos || comma + 1 == text.size()) return fail(Code::invalid_spa_command_msg);
  CommandText command{.text = std::string(text), .allow_ip = std::string(text.substr(0, comma))};
  const auto address = parse_allow_ip(command.allow_ip, side);
  if (!address) return fail(Code::invalid_spa_command_msg);
  command.address = *address;
  command.command = text.substr(comma + 1);
  return command;
}

Result<NatText, Code> parse_nat(std::string_view text, Side side) {
  if (text.empty()) return fail(Code::nat_empty);
  if (text.size() > limit::nat_access) return fail(Code::data_too_large);
  const auto parts = split(text, ',');
  if (parts.size() != 2) return fail(Code::invalid_spa_nat_access_msg);
  const std::string_view host = parts[0];
  const auto port = parse_port(parts[1]);
  if (!port || host.size() > limit::nat_host || host.find_first_of(refused_in_nat_host) != std::string_view::npos)
    return fail(Code::invalid_spa_nat_access_msg);
  if (side == Side::receiver && !is_host_name(host)) return fail(Code::invalid_spa_nat_access_msg);
  return NatText{.text = std::string(text), .host = std::string(host), .port = *port};
}

Result<void, Code> check_server_auth(std::string_view text) {
  if (text.empty()) return fail(Code::srvauth_missing);
  if (text.size() > limit::server_auth) return fail(Code::data_too_large);
  return {};
}

Result<void, Code> check_random_value(std::string_view text) {
  if (text.size() != limit::random_value) return fail(Code::rand_len_validfail);
  return {};
}

bool is_host_name(std::string_view text) {
  if (looks_like_address(text)) return parse_allow_ip(text, Side::receiver).has_value();
  if (text.ends_with('.')) text.remove_suffix(1);
  return std::ranges::all_of(split(text, '.'), is_label);
}

}  // namespace latchkey::spa
