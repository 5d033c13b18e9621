// SPDX-License-Identifier: GPL-2.0-or-later
// Open addressing over the first bytes of the digest, which are as good as random.
#include "fwknopd/replay_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "common/base/text.h"
#include "common/crypto/base64.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t digest_characters = 43;
constexpr std::size_t longest_digest = 64;
constexpr std::size_t longest_address = 16;
constexpr std::size_t field_count = 7;

/// As is_blank(), inlined: a million lines of a hundred characters pass through here at the start.
constexpr auto is_gap = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };

/// The next blank-separated field; empty at the end.
std::string_view take_field(std::string_view& rest) {
  const auto begin = std::find_if_not(rest.begin(), rest.end(), is_gap);
  const auto end = std::find_if(begin, rest.end(), is_gap);
  const std::string_view field(begin, end);
  rest = {end, rest.end()};
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

/// Reads a text from front to back.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  bool is_at_end() const { return at_ == end_; }
  bool character(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  template <class T>
  bool number(T& value) {
    const auto [end, error] = std::from_chars(at_, end_, value);
    at_ = end;
    return error == std::errc{};
  }
  bool address(std::uint32_t& value) {
    value = 0;
    for (int part = 0; part < 4; ++part) {
      if (part > 0 && !character('.')) return false;
      if (end_ - at_ > 1 && *at_ == '0' && is_digit(at_[1])) return false;
      std::uint8_t octet = 0;
      if (!number(octet)) return false;
      value = value << 8 | octet;
    }
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

/// The form that format_replay_line() writes, in one pass: a million of them are read in 0.2 s. False: another form,
/// which may be valid.
bool parse_own_form(std::string_view line, ReplayEntry& entry) {
  if (line.size() <= digest_characters) return false;
  Cursor rest(line.substr(digest_characters));
  return rest.character(' ') && rest.number(entry.protocol) && rest.character(' ') && rest.address(entry.source) &&
         rest.character(' ') && rest.number(entry.source_port) && rest.character(' ') &&
         rest.address(entry.destination) && rest.character(' ') && rest.number(entry.destination_port) &&
         rest.character(' ') && rest.number(entry.time_s) && rest.is_at_end() &&
         crypto::decode_base64_into(line.substr(0, digest_characters), entry.digest) == entry.digest.size();
}

}  // namespace

std::optional<ReplayDigest> parse_replay_digest(std::string_view text) {
  ReplayDigest digest;
  if (text.size() != digest_characters || crypto::decode_base64_into(text, digest) != digest.size())
    return std::nullopt;
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
  if (ReplayLine own{Kind::entry, {}}; parse_own_form(line, own.entry)) return own;
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

/// The digest is as good as random: some of its bits choose the slot, others tell entries apart without a look at them.
ReplayCache::Key ReplayCache::key_of(const ReplayDigest& digest) {
  Key key;
  std::memcpy(&key.start, digest.data(), sizeof key.start);
  std::memcpy(&key.tag, digest.data() + sizeof key.start, sizeof key.tag);
  return key;
}

std::size_t ReplayCache::slot_of(const ReplayDigest& digest) const {
  const Key key = key_of(digest);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = key.start & mask;; slot = (slot + 1) & mask) {
    const Slot& candidate = slots_[slot];
    if (candidate.number == 0) return slot;
    if (candidate.tag == key.tag && entries_[candidate.number - 1].digest == digest) return slot;
  }
}

const ReplayEntry* ReplayCache::find(const ReplayDigest& digest) const {
  if (slots_.empty()) return nullptr;
  const std::uint32_t number = slots_[slot_of(digest)].number;
  return number == 0 ? nullptr : &entries_[number - 1];
}

bool ReplayCache::add(const ReplayEntry& entry) {
  if ((entries_.size() + 1) * 2 > slots_.size()) rehash(std::max<std::size_t>(64, slots_.size() * 2));
  Slot& slot = slots_[slot_of(entry.digest)];
  if (slot.number != 0) return false;
  entries_.push_back(entry);
  slot = {static_cast<std::uint32_t>(entries_.size()), key_of(entry.digest).tag};
  return true;
}

void ReplayCache::reserve(std::size_t count) {
  entries_.reserve(count);
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(64, count * 2));
  if (wanted > slots_.size()) rehash(wanted);
}

void ReplayCache::rehash(std::size_t slot_count) {
  slots_.assign(slot_count, Slot{});
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const ReplayDigest& digest = entries_[i].digest;
    slots_[slot_of(digest)] = {static_cast<std::uint32_t>(i + 1), key_of(digest).tag};
  }
}

}  // namespace latchkey::fwknopd
