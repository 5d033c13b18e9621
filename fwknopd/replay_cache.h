// SPDX-License-Identifier: GPL-2.0-or-later
// The digests of the SPA packets already taken, and the lines of the replay cache file (spec/fwknopd-runtime.md 3).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace latchkey::fwknopd {

inline constexpr std::string_view replay_file_header =
    "# <digest> <proto> <src_ip> <src_port> <dst_ip> <dst_port> <time>";

/// SHA-256 of the wire packet.
using ReplayDigest = std::array<std::byte, 32>;
/// 43 characters of unpadded base64; anything else is nullopt.
std::optional<ReplayDigest> parse_replay_digest(std::string_view text);
std::string format_replay_digest(const ReplayDigest& digest);

/// A packet that was taken.
struct ReplayEntry {
  ReplayDigest digest{};
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t source = 0;  ///< IPv4, host order
  std::uint32_t destination = 0;
  std::int64_t time_s = 0;  ///< Unix time
  bool operator==(const ReplayEntry&) const = default;
};

/// "DIGEST 17 127.0.0.1 40000 127.0.0.1 62201 1795216915"
std::string format_replay_line(const ReplayEntry& entry);

/// What one line of the file is.
struct ReplayLine {
  enum class Kind { skipped, bad, other_digest, entry };
  Kind kind = Kind::bad;
  ReplayEntry entry;  ///< for `entry`; `other_digest` is valid but no SHA-256, so no packet can match it
};
ReplayLine parse_replay_line(std::string_view line);

/// A set of entries by digest: constant time, 64 bytes and a little an entry, no node per entry. Only packets that a
/// stanza's keys authenticated get in, so strangers cannot make it grow.
class ReplayCache {
 public:
  /// False: it is there already, and stays as it was.
  bool add(const ReplayEntry& entry);
  const ReplayEntry* find(const ReplayDigest& digest) const;
  std::size_t size() const { return entries_.size(); }
  void reserve(std::size_t count);
  /// Says that this digest will be looked for soon: with many entries the memory is what takes the time.
  void announce(const ReplayDigest& digest) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[key_of(digest).start & (slots_.size() - 1)], 1);
  }

 private:
  struct Slot {
    std::uint32_t number = 0;  ///< index into entries_ and one; 0 is free
    std::uint32_t tag = 0;     ///< part of the digest
  };
  struct Key {
    std::uint64_t start = 0;
    std::uint32_t tag = 0;
  };
  static Key key_of(const ReplayDigest& digest);
  std::size_t slot_of(const ReplayDigest& digest) const;
  void rehash(std::size_t slot_count);

  std::vector<ReplayEntry> entries_;
  std::vector<Slot> slots_;  // open addressing; the size is a power of two
};

}  // namespace latchkey::fwknopd
