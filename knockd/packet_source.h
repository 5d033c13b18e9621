// SPDX-License-Identifier: GPL-2.0-or-later
// PacketSource: one capture of the sensor, what it takes for a knock, and when it is read in larger portions.
#pragma once
#include <optional>
#include <string>

#include "common/net/capture.h"
#include "common/net/packet.h"
#include "common/os/event_loop.h"
#include "knockd/matcher.h"

namespace latchkey::knockd {

/// Tells a flood: packets that keep coming thicker than knocks do. They are read in portions then, 100 times a second
/// instead of once for nearly every packet; no packet waits longer than 10 ms.
class FloodGuard {
 public:
  /// `packets` were read at `now`. In a flood: when to read the next ones.
  std::optional<MonotonicTime> count(int packets, MonotonicTime now);

 private:
  MonotonicTime window_begin_{};
  int packets_ = 0;
  bool is_flood_ = false;
};

struct PacketSource {
  std::string interface;
  net::Capture capture;
  net::FilterProgram filter = {};
  bool is_lost = false;
  FloodGuard flood = {};
  os::TimerId rest = {};  ///< set: the capture is not read until then
};

/// From the interface, or from the file if one is named. Error: a whole line for the user.
Result<PacketSource> open_packet_source(const std::string& interface, const std::string& replay_file);

/// The facts that 0.8's filter and parser let through (spec/knockd.md 4); nullopt: not ours.
std::optional<Knock> read_knock(const net::PacketView& view);

}  // namespace latchkey::knockd
