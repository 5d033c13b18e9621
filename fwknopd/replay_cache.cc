// SPDX-License-Identifier: GPL-2.0-or-later
// Open addressing over the first bytes of the digest, which are as good as random.
#include "fwknopd/replay_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/base/text.h"
#include "common/crypto/base64.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t digest_characters = 43;
constexpr std::size_t longest_digest = 64;
constexpr std::size_t longest_address = 16;
constexpr std::size_t field_count = 7;

/// The next blank-separated field; empty at the end.
std::string_view take_field(std::string_view& rest) {
  rest = strip_left(rest);
  std::size_t length = 0;
  while (length < rest.size() && !is_blank(rest[length])) ++length;
  const auto field = rest.substr(0, length);
  rest.remove_prefix(length);
  return field;
}

/// Numbers out of range wrap, as the peer reads them.
template <class T>
bool take_number(std::string_view text, T& value) {
  const auto number = parse_number<std::int64_t>(text);
  if (number) value = static_cast<T>(*number);
  return number.has_value();
}

bool take_address(std::string_view text, std::uint32_t& value) {
  if (text.size() > longest_address) return false;
  const auto address = net::parse_ip_address(text);
  if (!address || !address->is_v4()) return false;
  value = address->v4_value();
  return true;
}

}  // namespace

std::optional<ReplayDigest> parse_replay_digest(std::string_view text) {
  if (text.size() != digest_characters) return std::nullopt;
  const auto bytes = crypto::decode_base64_lenient(text);
  ReplayDigest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

std::string format_replay_digest(const ReplayDigest& digest) { return crypto::encode_base64(digest); }

std::string format_replay_line(const ReplayEntry& entry) {
  return fmt::format("{} {} {} {} {} {} {}", format_replay_digest(entry.digest), entry.protocol,
                     net::format_ip_address(net::IpAddress::v4(entry.source)), entry.source_port,
                     net::format_ip_address(net::IpAddress::v4(entry.destination)), entry.destination_port,
                     entry.time_s);
}

ReplayLine parse_replay_line(std::string_view line) {
  using Kind = ReplayLine::Kind;
  if (line.empty() || line[0] == '#' || line[0] == ';' || line[0] == '\r' || line[0] == '\0')
    return {Kind::skipped, {}};
  std::array<std::string_view, field_count> fields;
  for (auto& field : fields) field = take_field(line);
  ReplayEntry entry;
  const bool is_valid = !fields[0].empty() && fields[0].size() <= longest_digest &&
                        take_number(fields[1], entry.protocol) && take_address(fields[2], entry.source) &&
                        take_number(fields[3], entry.source_port) && take_address(fields[4], entry.destination) &&
                        take_number(fields[5], entry.destination_port) && take_number(fields[6], entry.time_s);
  if (!is_valid) return {Kind::bad, {}};
  const auto digest = parse_replay_digest(fields[0]);
  if (!digest) return {Kind::other_digest, {}};
  entry.digest = *digest;
  return {Kind::entry, entry};
}

std::size_t ReplayCache::slot_of(const ReplayDigest& digest) const {
  std::uint64_t start = 0;
  std::memcpy(&start, digest.data(), sizeof start);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = start & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0 || entries_[slots_[slot] - 1].digest == digest) return slot;
  }
}

const ReplayEntry* ReplayCache::find(const ReplayDigest& digest) const {
  if (slots_.empty()) return nullptr;
  const std::uint32_t index = slots_[slot_of(digest)];
  return index == 0 ? nullptr : &entries_[index - 1];
}

bool ReplayCache::add(const ReplayEntry& entry) {
  if ((entries_.size() + 1) * 2 > slots_.size()) rehash(std::max<std::size_t>(64, slots_.size() * 2));
  const std::size_t slot = slot_of(entry.digest);
  if (slots_[slot] != 0) return false;
  entries_.push_back(entry);
  slots_[slot] = static_cast<std::uint32_t>(entries_.size());
  return true;
}

void ReplayCache::reserve(std::size_t count) {
  entries_.reserve(count);
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(64, count * 2 + 2));
  if (wanted > slots_.size()) rehash(wanted);
}

void ReplayCache::rehash(std::size_t slot_count) {
  slots_.assign(slot_count, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    slots_[slot_of(entries_[i].digest)] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace latchkey::fwknopd
