// SPDX-License-Identifier: GPL-2.0-or-later
// Matcher: packets in, stages and openings out. Pure; the time is an argument (spec/knockd.md 4 and 5).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "common/net/address.h"
#include "knockd/door.h"

namespace latchkey::knockd {

/// Doors are named by their place in the list given to the matcher.
using DoorIndex = std::uint32_t;

/// What the matcher looks at in a TCP or UDP packet.
struct Knock {
  net::IpAddress source;
  net::IpAddress destination;
  net::PortProto hit;
  std::uint8_t tcp_flags = 0;
};

struct StageReached {
  DoorIndex door = 0;
  net::IpAddress source;
  std::uint32_t stage = 0;
};
struct Opened {
  DoorIndex door = 0;
  net::IpAddress source;
};
struct TimedOut {
  DoorIndex door = 0;
  net::IpAddress source;
  std::uint32_t stage = 0;
};
/// An attempt that ended at an earlier packet leaves the list.
struct Removed {
  net::IpAddress source;
  bool was_successful = false;
};
/// A door or attempt does not look at this packet.
struct FlagUnmet {
  std::uint8_t bit = 0;
  bool must_be_set = false;
};
/// The table was full: the oldest attempt made room.
struct Evicted {
  DoorIndex door = 0;
  net::IpAddress source;
};
using Report = std::variant<StageReached, Opened, TimedOut, Removed, FlagUnmet, Evicted>;
using Reports = std::vector<Report>;

struct MatcherOptions {
  std::size_t max_attempts = 65536;
  std::size_t max_cooldowns = 65536;
  /// FlagUnmet costs a look at every door for each first hit; only -D wants it.
  bool reports_flags = false;
};

/// Time counts in whole seconds from any origin, as knockd 0.8 compares it. It may run backwards.
using Seconds = std::int64_t;

/// A packet costs hash look-ups, whatever the number of attempts; with the number of doors only where doors share the
/// port that was hit.
class Matcher {
 public:
  Matcher(std::vector<Lock> doors, MatcherOptions options);

  /// The addresses that doors without target accept.
  void set_local_addresses(const std::vector<net::IpAddress>& addresses);

  /// Whether some door wants this packet. Others change nothing, not even a running attempt.
  bool sees(const Knock& knock) const;
  /// For a packet that sees() accepts. Appends to `reports` in the order of events.
  void handle(const Knock& knock, Seconds now, Reports& reports);

  /// Ends the attempts that are due. For a timer: handle() does it too.
  void expire(Seconds now, Reports& reports);
  /// When expire() has something to do next.
  std::optional<Seconds> next_expiry() const;

  /// A used one-time sequence is followed by the next one; running attempts at the door end silently.
  void set_sequence(DoorIndex door, Sequence sequence);
  /// The door lets nobody in any more.
  void disable(DoorIndex door);
  /// New doors after a reload. `origin` holds, for each, the old index of the same door (its attempts go on), or
  /// nullopt.
  void replace_doors(std::vector<Lock> doors, const std::vector<std::optional<DoorIndex>>& origin);

  const std::vector<Lock>& doors() const { return doors_; }
  bool is_enabled(DoorIndex door) const { return !doors_[door].sequence.empty(); }
  std::size_t attempts() const { return by_age_.size; }

 private:
  using Slot = std::uint32_t;
  static constexpr Slot no_slot = ~Slot{0};
  struct Links {
    Slot previous = no_slot;
    Slot next = no_slot;
  };
  struct Chain {
    Slot first = no_slot;
    Slot last = no_slot;
    std::size_t size = 0;
  };
  struct Attempt {
    std::uint64_t number = 0;  ///< order of beginning
    DoorIndex door = 0;
    net::IpAddress source;
    std::uint32_t stage = 0;
    Seconds due = 0;
    Links of_source, of_second, of_age;
  };
  struct Ended {
    std::uint64_t number = 0;
    Report report;
  };
  struct Cooldown {
    DoorIndex door = 0;
    net::IpAddress source;
    friend auto operator<=>(const Cooldown&, const Cooldown&) = default;
  };

  template <Links Attempt::*links>
  void append(Chain& chain, Slot slot);
  template <Links Attempt::*links>
  void remove(Chain& chain, Slot slot);

  void index_doors();
  bool accepts_destination(const Lock& door, const net::IpAddress& destination) const;
  void clean_up(Seconds now, Reports& reports);
  bool advance_candidates(const Knock& knock, Seconds now, Reports& reports);
  void begin_attempts(const Knock& knock, Seconds now, Reports& reports);
  bool take_step(const Knock& knock, Slot slot, Seconds now, Reports& reports);
  bool is_flag_unmet(const Knock& knock, const Lock& door, Reports& reports) const;
  bool is_cooling_down(DoorIndex door, const net::IpAddress& source, Seconds now) const;
  void start_cooldown(DoorIndex door, const net::IpAddress& source, Seconds now);
  Slot make_attempt(DoorIndex door, const net::IpAddress& source, Seconds now, Reports& reports);
  void drop(Slot slot);
  template <class Predicate>
  void drop_if(Predicate predicate);

  std::vector<Lock> doors_;
  MatcherOptions options_;
  std::unordered_set<net::IpAddress> local_;
  std::unordered_map<std::uint32_t, std::vector<DoorIndex>> doors_of_hit_;
  std::unordered_map<std::uint32_t, std::vector<DoorIndex>> doors_of_first_hit_;

  std::vector<Attempt> attempts_;
  std::vector<Slot> free_;
  std::unordered_map<net::IpAddress, Chain> by_source_;
  std::map<Seconds, Chain> by_second_;
  Chain by_age_;
  std::uint64_t next_number_ = 1;
  std::vector<Ended> ended_;  ///< of the last packet, told at the next one
  std::map<Cooldown, Seconds> cooldowns_;
};

}  // namespace latchkey::knockd
