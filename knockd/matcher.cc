// SPDX-License-Identifier: GPL-2.0-or-later
// The knock matcher. An attempt is in three chains: of its source, of the second it is due, of age.
#include "knockd/matcher.h"

#include <algorithm>
#include <utility>

#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

std::uint32_t key_of(const net::PortProto& hit) { return static_cast<std::uint32_t>(hit.protocol) << 16 | hit.port; }

bool is_tcp(const Knock& knock) { return knock.hit.protocol == net::IpProtocol::tcp; }

}  // namespace

template <Matcher::Links Matcher::Attempt::*links>
void Matcher::append(Chain& chain, Slot slot) {
  (attempts_[slot].*links) = {chain.last, no_slot};
  if (chain.last == no_slot) {
    chain.first = slot;
  } else {
    (attempts_[chain.last].*links).next = slot;
  }
  chain.last = slot;
  ++chain.size;
}

template <Matcher::Links Matcher::Attempt::*links>
void Matcher::remove(Chain& chain, Slot slot) {
  const Links own = attempts_[slot].*links;
  (own.previous == no_slot ? chain.first : (attempts_[own.previous].*links).next) = own.next;
  (own.next == no_slot ? chain.last : (attempts_[own.next].*links).previous) = own.previous;
  --chain.size;
}

Matcher::Matcher(std::vector<Lock> doors, MatcherOptions options) : doors_(std::move(doors)), options_(options) {
  index_doors();
}

void Matcher::index_doors() {
  doors_of_hit_.clear();
  doors_of_first_hit_.clear();
  for (DoorIndex index = 0; index < doors_.size(); ++index) {
    const Sequence& sequence = doors_[index].sequence;
    if (sequence.empty()) continue;
    doors_of_first_hit_[key_of(sequence.front())].push_back(index);
    for (const net::PortProto& hit : sequence) {
      auto& doors = doors_of_hit_[key_of(hit)];
      if (doors.empty() || doors.back() != index) doors.push_back(index);
    }
  }
}

void Matcher::set_local_addresses(const std::vector<net::IpAddress>& addresses) {
  local_ = {addresses.begin(), addresses.end()};
}

bool Matcher::accepts_destination(const Lock& door, const net::IpAddress& destination) const {
  return door.target ? *door.target == destination : local_.contains(destination);
}

bool Matcher::sees(const Knock& knock) const {
  const auto found = doors_of_hit_.find(key_of(knock.hit));
  if (found == doors_of_hit_.end()) return false;
  return std::ranges::any_of(found->second, [&](DoorIndex index) {
    const Lock& door = doors_[index];
    return accepts_destination(door, knock.destination) && (!is_tcp(knock) || door.flags.accept(knock.tcp_flags));
  });
}

void Matcher::handle(const Knock& knock, Seconds now, Reports& reports) {
  clean_up(now, reports);
  if (!advance_candidates(knock, now, reports)) begin_attempts(knock, now, reports);
}

void Matcher::clean_up(Seconds now, Reports& reports) {
  // In the order of the attempts' beginning, ended and timed out ones mixed, as 0.8's walk of its list tells them.
  std::vector<Ended> all = std::exchange(ended_, {});
  while (!by_second_.empty() && by_second_.begin()->first <= now) {
    const Slot slot = by_second_.begin()->second.first;
    const Attempt& attempt = attempts_[slot];
    all.push_back({attempt.number, TimedOut{attempt.door, attempt.source, attempt.stage}});
    drop(slot);
  }
  std::ranges::stable_sort(all, {}, &Ended::number);
  for (Ended& entry : all) reports.push_back(entry.report);
}

void Matcher::expire(Seconds now, Reports& reports) {
  // What ended by a packet is told at the next packet only.
  std::vector<Ended> kept = std::exchange(ended_, {});
  clean_up(now, reports);
  ended_ = std::move(kept);
}

std::optional<Seconds> Matcher::next_expiry() const {
  if (by_second_.empty()) return std::nullopt;
  return by_second_.begin()->first;
}

bool Matcher::advance_candidates(const Knock& knock, Seconds now, Reports& reports) {
  const auto found = by_source_.find(knock.source);
  if (found == by_source_.end()) return false;
  bool has_candidates = false;
  for (Slot slot = found->second.first; slot != no_slot;) {
    const Slot next = attempts_[slot].of_source.next;
    const Lock& door = doors_[attempts_[slot].door];
    if (accepts_destination(door, knock.destination)) {
      has_candidates = true;
      // The chain's own entry dies with its last attempt, so nothing of `found` is touched after the last drop.
      if (!is_flag_unmet(knock, door, reports) && !take_step(knock, slot, now, reports)) drop(slot);
    }
    slot = next;
  }
  return has_candidates;
}

/// False: the attempt has ended.
bool Matcher::take_step(const Knock& knock, Slot slot, Seconds now, Reports& reports) {
  Attempt& attempt = attempts_[slot];
  const Lock& door = doors_[attempt.door];
  if (knock.hit != door.sequence[attempt.stage]) {
    if (door.allows_duplicates && attempt.stage > 0 && knock.hit == door.sequence[attempt.stage - 1]) return true;
    ended_.push_back({attempt.number, Removed{attempt.source, false}});
    return false;
  }
  ++attempt.stage;
  reports.push_back(StageReached{attempt.door, attempt.source, attempt.stage});
  if (attempt.stage < door.sequence.size()) return true;
  reports.push_back(Opened{attempt.door, attempt.source});
  ended_.push_back({attempt.number, Removed{attempt.source, true}});
  start_cooldown(attempt.door, attempt.source, now);
  return false;
}

void Matcher::begin_attempts(const Knock& knock, Seconds now, Reports& reports) {
  const auto begin_at = [&](DoorIndex index) {
    const Lock& door = doors_[index];
    if (!accepts_destination(door, knock.destination) || is_cooling_down(index, knock.source, now)) return;
    const Slot slot = make_attempt(index, knock.source, now, reports);
    if (!take_step(knock, slot, now, reports)) drop(slot);
  };
  if (options_.reports_flags) {
    // 0.8 looks at the flags of every door first, and says so.
    for (DoorIndex index = 0; index < doors_.size(); ++index) {
      const Lock& door = doors_[index];
      if (door.sequence.empty() || is_flag_unmet(knock, door, reports)) continue;
      if (door.sequence.front() == knock.hit) begin_at(index);
    }
    return;
  }
  const auto found = doors_of_first_hit_.find(key_of(knock.hit));
  if (found == doors_of_first_hit_.end()) return;
  for (const DoorIndex index : found->second)
    if (!is_flag_unmet(knock, doors_[index], reports)) begin_at(index);
}

bool Matcher::is_flag_unmet(const Knock& knock, const Lock& door, Reports& reports) const {
  if (!is_tcp(knock) || door.flags.accept(knock.tcp_flags)) return false;
  if (!options_.reports_flags) return true;
  for (const FlagName& flag : flag_names()) {
    const bool is_set = (knock.tcp_flags & flag.bit) != 0;
    const bool is_unmet =
        ((door.flags.set & flag.bit) != 0 && !is_set) || ((door.flags.clear & flag.bit) != 0 && is_set);
    if (!is_unmet) continue;
    reports.push_back(FlagUnmet{flag.bit, !is_set});
    break;
  }
  return true;
}

Matcher::Slot Matcher::make_attempt(DoorIndex door, const net::IpAddress& source, Seconds now, Reports& reports) {
  if (by_age_.size >= options_.max_attempts) {
    const Slot oldest = by_age_.first;
    reports.push_back(Evicted{attempts_[oldest].door, attempts_[oldest].source});
    drop(oldest);
  }
  if (free_.empty()) {
    free_.push_back(static_cast<Slot>(attempts_.size()));
    attempts_.emplace_back();
  }
  const Slot slot = free_.back();
  free_.pop_back();
  attempts_[slot] = {.number = next_number_++,
                     .door = door,
                     .source = source,
                     .stage = 0,
                     .due = now + doors_[door].seq_timeout_s,
                     .of_source = {},
                     .of_second = {},
                     .of_age = {}};
  append<&Attempt::of_source>(by_source_[source], slot);
  append<&Attempt::of_second>(by_second_[attempts_[slot].due], slot);
  append<&Attempt::of_age>(by_age_, slot);
  return slot;
}

void Matcher::drop(Slot slot) {
  const Attempt& attempt = attempts_[slot];
  const auto source = by_source_.find(attempt.source);
  remove<&Attempt::of_source>(source->second, slot);
  if (source->second.size == 0) by_source_.erase(source);
  const auto second = by_second_.find(attempt.due);
  remove<&Attempt::of_second>(second->second, slot);
  if (second->second.size == 0) by_second_.erase(second);
  remove<&Attempt::of_age>(by_age_, slot);
  free_.push_back(slot);
}

template <class Predicate>
void Matcher::drop_if(Predicate predicate) {
  for (Slot slot = by_age_.first; slot != no_slot;) {
    const Slot next = attempts_[slot].of_age.next;
    if (predicate(attempts_[slot])) drop(slot);
    slot = next;
  }
}

bool Matcher::is_cooling_down(DoorIndex door, const net::IpAddress& source, Seconds now) const {
  if (doors_[door].seq_cooldown_s == 0) return false;
  const auto found = cooldowns_.find({door, source});
  return found != cooldowns_.end() && now < found->second;
}

void Matcher::start_cooldown(DoorIndex door, const net::IpAddress& source, Seconds now) {
  if (doors_[door].seq_cooldown_s == 0) return;
  // Only completed knocks come here, so a sweep of a full table is rare.
  if (cooldowns_.size() >= options_.max_cooldowns)
    std::erase_if(cooldowns_, [now](const auto& entry) { return entry.second <= now; });
  if (cooldowns_.size() >= options_.max_cooldowns) cooldowns_.erase(cooldowns_.begin());
  cooldowns_[{door, source}] = now + doors_[door].seq_cooldown_s;
}

void Matcher::set_sequence(DoorIndex door, Sequence sequence) {
  drop_if([door](const Attempt& attempt) { return attempt.door == door; });
  doors_[door].sequence = std::move(sequence);
  index_doors();
}

void Matcher::disable(DoorIndex door) { set_sequence(door, {}); }

void Matcher::replace_doors(std::vector<Lock> doors, const std::vector<std::optional<DoorIndex>>& origin) {
  std::vector<std::optional<DoorIndex>> successor(doors_.size());
  for (DoorIndex index = 0; index < doors.size(); ++index)
    if (origin[index] && *origin[index] < doors_.size() && doors_[*origin[index]] == doors[index])
      successor[*origin[index]] = index;

  drop_if([&](const Attempt& attempt) { return !successor[attempt.door]; });
  for (Slot slot = by_age_.first; slot != no_slot; slot = attempts_[slot].of_age.next)
    attempts_[slot].door = *successor[attempts_[slot].door];
  std::map<Cooldown, Seconds> cooldowns;
  for (const auto& [cooldown, until] : cooldowns_)
    if (successor[cooldown.door]) cooldowns[{*successor[cooldown.door], cooldown.source}] = until;
  cooldowns_ = std::move(cooldowns);
  doors_ = std::move(doors);
  index_doors();
}

}  // namespace latchkey::knockd
