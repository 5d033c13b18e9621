// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing of sequences, timeouts and flags as spec/knockd.md 2.3 to 2.6 lays down.
#include "knockd/sequence.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "common/base/text.h"
#include "common/net/packet.h"

namespace latchkey::knockd {
namespace {

constexpr std::int64_t max_int = std::numeric_limits<std::int32_t>::max();

constexpr auto flags_in_order = std::to_array<FlagName>({
    {"FIN", "fin", net::tcp_flag::fin},
    {"SYN", "syn", net::tcp_flag::syn},
    {"RST", "rst", net::tcp_flag::rst},
    {"PSH", "push", net::tcp_flag::push},
    {"ACK", "ack", net::tcp_flag::ack},
    {"URG", "urg", net::tcp_flag::urg},
});

/// C's atoi on a 64-bit long: what 0.8 made of the number.
std::int32_t cut_to_int(std::int64_t value) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(value)); }

std::optional<Remark> trailing_text(const LenientNumber& number, std::string_view text, std::size_t offset) {
  if (strip(number.rest).empty()) return std::nullopt;
  return Remark{offset,
                fmt::format("\"{}\" is read as {}: text behind the number is ignored", strip(text), number.value)};
}

std::optional<net::IpProtocol> parse_protocol(std::string_view text) {
  if (equals_ignoring_case(text, "tcp")) return net::IpProtocol::tcp;
  if (equals_ignoring_case(text, "udp")) return net::IpProtocol::udp;
  return std::nullopt;
}

void read_hit(std::string_view item, std::size_t offset, Reading<Sequence>& reading) {
  const auto parts = split(item, ':');
  const std::string_view port_text = parts[0];
  const LenientNumber number = parse_lenient_number(port_text);
  if (cut_to_int(number.value) > 65535) {
    reading.error = Remark{offset, fmt::format("port {} is invalid", port_text)};
    return;
  }
  if (!reading.junk && (!number.has_digits || number.value < 0 || number.value > 65535))
    reading.junk = Remark{offset, fmt::format("port \"{}\" is invalid", port_text)};
  if (auto warning = trailing_text(number, port_text, offset)) reading.warnings.push_back(std::move(*warning));

  auto protocol = net::IpProtocol::tcp;
  if (parts.size() > 1) {
    const auto named = parse_protocol(strip(parts[1]));
    if (!named) {
      reading.error = Remark{offset, "unknown protocol in knock sequence"};
      return;
    }
    protocol = *named;
  }
  reading.value.push_back({protocol, static_cast<std::uint16_t>(number.value & 0xffff)});
}

}  // namespace

Reading<Sequence> parse_sequence(std::string_view value) {
  Reading<Sequence> reading;
  for (const std::string_view item : split(value, ',')) {
    const auto offset = static_cast<std::size_t>(item.data() - value.data());
    if (reading.value.size() == max_sequence_hits) {
      reading.error = Remark{offset, "too many ports in knock sequence"};
      return reading;
    }
    read_hit(item, offset, reading);
    if (reading.error) return reading;
  }
  return reading;
}

Reading<std::int32_t> parse_timeout(std::string_view value) {
  const LenientNumber number = parse_lenient_number(value);
  Reading<std::int32_t> reading;
  if (!number.has_digits || number.value < 0 || number.value > max_int) {
    reading.junk = Remark{0, fmt::format("invalid timeout \"{}\"", value)};
    return reading;
  }
  reading.value = static_cast<std::int32_t>(number.value);
  if (auto warning = trailing_text(number, value, 0)) reading.warnings.push_back(std::move(*warning));
  return reading;
}

bool add_tcp_flag(std::string_view item, TcpFlags& flags) {
  const bool must_be_clear = item.starts_with('!');
  if (must_be_clear) item.remove_prefix(1);
  for (const FlagName& flag : flags_in_order) {
    if (item != flag.name) continue;
    const auto others = static_cast<std::uint8_t>(~flag.bit);
    flags.set = static_cast<std::uint8_t>((flags.set & others) | (must_be_clear ? 0 : flag.bit));
    flags.clear = static_cast<std::uint8_t>((flags.clear & others) | (must_be_clear ? flag.bit : 0));
    return true;
  }
  return false;
}

std::string format_sequence(const Sequence& sequence) {
  std::string text;
  for (const net::PortProto& hit : sequence) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}:{}", hit.port, net::format_protocol(hit.protocol));
  }
  return text;
}

std::span<const FlagName> flag_names() { return flags_in_order; }

}  // namespace latchkey::knockd
