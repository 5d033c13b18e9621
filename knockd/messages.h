// SPDX-License-Identifier: GPL-2.0-or-later
// What monitor and sensor tell each other: door indices and values, never names, paths or commands.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/net/address.h"
#include "knockd/door.h"
#include "knockd/matcher.h"

namespace latchkey::knockd {

enum class MessageType : std::uint16_t {
  // monitor to sensor
  door = 1,   ///< one more door of the list that `doors` will put in force
  doors,      ///< end of the list; answered by `doors_taken`
  addresses,  ///< local addresses
  sequence,   ///< the next sequence of a one-time door that has opened; empty: the door is disabled
  go_on,      ///< the monitor works with the doors that were taken: packets may come
  // sensor to monitor
  ready = 16,  ///< captures are open
  reports,     ///< what packets did, in order
  doors_taken,
  capture_lost,  ///< an interface gives no packets any more
  replay_done,   ///< the capture file has ended
};

struct DoorMessage {
  Lock lock;
  std::optional<DoorIndex> origin;  ///< the same door in the list before
};
/// Appends to a batch.
void encode_door(const DoorMessage& message, Writer& batch);
std::optional<std::vector<DoorMessage>> decode_doors(ByteView payload);

struct DoorsEndMessage {
  bool writes_lines = true;  ///< as in SensorSetup
};
Bytes encode_doors_end(const DoorsEndMessage& message);
std::optional<DoorsEndMessage> decode_doors_end(ByteView payload);

Bytes encode_addresses(const std::vector<net::IpAddress>& addresses);
std::optional<std::vector<net::IpAddress>> decode_addresses(ByteView payload);

struct SequenceMessage {
  DoorIndex door = 0;
  Sequence sequence;
};
Bytes encode_sequence(const SequenceMessage& message);
std::optional<SequenceMessage> decode_sequence(ByteView payload);

/// One entry an interface.
struct ReadyMessage {
  struct Interface {
    std::int32_t link_type = 0;
    std::string warning;  ///< libpcap's, usually empty
  };
  std::vector<Interface> interfaces;
};
Bytes encode_ready(const ReadyMessage& message);
std::optional<ReadyMessage> decode_ready(ByteView payload);

struct CaptureLostMessage {
  std::uint32_t interface = 0;  ///< place in the list
  bool is_gone = false;         ///< it may come back under its name; else the capture failed otherwise
  std::string text;
};
Bytes encode_capture_lost(const CaptureLostMessage& message);
std::optional<CaptureLostMessage> decode_capture_lost(ByteView payload);

/// For the debug line of a packet that a door wants.
struct PacketSeen {
  std::int64_t time_us = 0;  ///< since the epoch
  net::PortProto hit;
  std::uint16_t source_port = 0;
  net::IpAddress source;
  net::IpAddress destination;
  std::uint32_t wire_length_bytes = 0;
};
using SensorReport = std::variant<StageReached, Opened, TimedOut, Removed, FlagUnmet, Evicted, PacketSeen>;

/// Appends to a batch.
void encode_report(const SensorReport& report, Writer& batch);
SensorReport widen(const Report& report);
/// nullopt: malformed.
std::optional<std::vector<SensorReport>> decode_reports(ByteView payload);

}  // namespace latchkey::knockd
