// SPDX-License-Identifier: GPL-2.0-or-later
// Encoding and strict decoding of the messages between monitor and sensor.
#include "knockd/messages.h"

#include <algorithm>
#include <type_traits>

namespace latchkey::knockd {
namespace {

enum class ReportKind : std::uint8_t { stage = 1, opened, timed_out, removed, flag_unmet, evicted, packet };

constexpr std::size_t max_text_bytes = 1024;

void put_address(Writer& out, const net::IpAddress& address) {
  out.put_u8(address.is_v6() ? 6 : 4);
  out.put(address.bytes());
}

void put_text(Writer& out, std::string_view text) {
  text = text.substr(0, max_text_bytes);
  out.put_u16(static_cast<std::uint16_t>(text.size()));
  out.put(as_bytes(text));
}

void put_sequence(Writer& out, const Sequence& sequence) {
  out.put_u8(static_cast<std::uint8_t>(sequence.size()));
  for (const net::PortProto& hit : sequence) {
    out.put_u8(static_cast<std::uint8_t>(hit.protocol));
    out.put_u16(hit.port);
  }
}

/// Reads fields; a fault is remembered, so that callers ask once, at the end.
class Fields {
 public:
  explicit Fields(ByteView payload) : in_(payload) {}
  bool has_more() const { return is_good_ && !in_.is_empty(); }
  /// Everything was there, and nothing is left.
  bool is_complete() const { return is_good_ && in_.is_empty(); }

  std::uint8_t u8() { return take(in_.take_u8()); }
  std::uint16_t u16() { return take(in_.take_u16()); }
  std::uint32_t u32() { return take(in_.take_u32()); }
  std::uint64_t u64() { return take(in_.take_u64()); }
  bool flag() {
    const std::uint8_t value = u8();
    is_good_ = is_good_ && value <= 1;
    return value == 1;
  }
  net::IpAddress address() {
    const std::uint8_t version = u8();
    const auto bytes = in_.take(version == 6 ? 16 : 4);
    if (!bytes || (version != 4 && version != 6)) return refuse<net::IpAddress>();
    return *net::IpAddress::from_bytes(*bytes);
  }
  std::string text() {
    const std::uint16_t length = u16();
    const auto bytes = in_.take(length);
    if (!bytes || length > max_text_bytes) return refuse<std::string>();
    return std::string(as_text(*bytes));
  }
  net::PortProto hit() {
    const auto protocol = static_cast<net::IpProtocol>(u8());
    if (protocol != net::IpProtocol::tcp && protocol != net::IpProtocol::udp) is_good_ = false;
    return {protocol, u16()};
  }
  Sequence sequence() {
    Sequence hits;
    const std::size_t count = u8();
    if (count > max_sequence_hits) return refuse<Sequence>();
    for (std::size_t i = 0; i < count; ++i) hits.push_back(hit());
    return hits;
  }
  std::int32_t seconds() {
    const std::uint32_t value = u32();
    is_good_ = is_good_ && value <= 0x7fffffff;
    return static_cast<std::int32_t>(value & 0x7fffffff);
  }
  template <class T>
  T refuse() {
    is_good_ = false;
    return T{};
  }

 private:
  template <class T>
  T take(std::optional<T> value) {
    is_good_ = is_good_ && value.has_value();
    return value.value_or(T{});
  }
  Cursor in_;
  bool is_good_ = true;
};

template <class T>
std::optional<T> whole(const Fields& fields, T&& value) {
  if (!fields.is_complete()) return std::nullopt;
  return std::forward<T>(value);
}

void put_kind(Writer& out, ReportKind kind) { out.put_u8(static_cast<std::uint8_t>(kind)); }

SensorReport decode_report(Fields& fields) {
  switch (static_cast<ReportKind>(fields.u8())) {
    case ReportKind::stage: {
      const DoorIndex door = fields.u32();
      const net::IpAddress source = fields.address();
      return StageReached{door, source, fields.u8()};
    }
    case ReportKind::opened: {
      const DoorIndex door = fields.u32();
      return Opened{door, fields.address()};
    }
    case ReportKind::timed_out: {
      const DoorIndex door = fields.u32();
      const net::IpAddress source = fields.address();
      return TimedOut{door, source, fields.u8()};
    }
    case ReportKind::removed: {
      const net::IpAddress source = fields.address();
      return Removed{source, fields.flag()};
    }
    case ReportKind::flag_unmet: {
      const std::uint8_t bit = fields.u8();
      return FlagUnmet{bit, fields.flag()};
    }
    case ReportKind::evicted: {
      const DoorIndex door = fields.u32();
      return Evicted{door, fields.address()};
    }
    case ReportKind::packet: {
      PacketSeen seen;
      seen.time_us = static_cast<std::int64_t>(fields.u64());
      seen.hit = fields.hit();
      seen.source_port = fields.u16();
      seen.source = fields.address();
      seen.destination = fields.address();
      seen.wire_length_bytes = fields.u32();
      return seen;
    }
  }
  return fields.refuse<Removed>();
}

}  // namespace

void encode_door(const DoorMessage& message, Writer& out) {
  const Lock& lock = message.lock;
  put_sequence(out, lock.sequence);
  out.put_u8(lock.flags.set);
  out.put_u8(lock.flags.clear);
  out.put_u8(lock.target ? 1 : 0);
  if (lock.target) put_address(out, *lock.target);
  out.put_u32(static_cast<std::uint32_t>(lock.seq_timeout_s));
  out.put_u32(static_cast<std::uint32_t>(lock.seq_cooldown_s));
  out.put_u8(lock.allows_duplicates ? 1 : 0);
  out.put_u8(lock.is_one_time ? 1 : 0);
  out.put_u8(message.origin ? 1 : 0);
  out.put_u32(message.origin.value_or(0));
}

std::optional<std::vector<DoorMessage>> decode_doors(ByteView payload) {
  Fields fields(payload);
  std::vector<DoorMessage> doors;
  while (fields.has_more()) {
    DoorMessage message;
    Lock& lock = message.lock;
    lock.sequence = fields.sequence();
    lock.flags.set = fields.u8();
    lock.flags.clear = fields.u8();
    if (fields.flag()) lock.target = fields.address();
    lock.seq_timeout_s = fields.seconds();
    lock.seq_cooldown_s = fields.seconds();
    lock.allows_duplicates = fields.flag();
    lock.is_one_time = fields.flag();
    const bool has_origin = fields.flag();
    const DoorIndex origin = fields.u32();
    if (has_origin) message.origin = origin;
    doors.push_back(std::move(message));
  }
  return whole(fields, std::move(doors));
}

Bytes encode_doors_end(const DoorsEndMessage& message) {
  Writer out;
  out.put_u8(message.writes_lines ? 1 : 0);
  return out.release();
}

std::optional<DoorsEndMessage> decode_doors_end(ByteView payload) {
  Fields fields(payload);
  DoorsEndMessage message;
  message.writes_lines = fields.flag();
  return whole(fields, std::move(message));
}

Bytes encode_addresses(const std::vector<net::IpAddress>& addresses) {
  Writer out;
  for (const net::IpAddress& address : addresses) put_address(out, address);
  return out.release();
}

std::optional<std::vector<net::IpAddress>> decode_addresses(ByteView payload) {
  Fields fields(payload);
  std::vector<net::IpAddress> addresses;
  while (fields.has_more()) addresses.push_back(fields.address());
  return whole(fields, std::move(addresses));
}

Bytes encode_sequence(const SequenceMessage& message) {
  Writer out;
  out.put_u32(message.door);
  put_sequence(out, message.sequence);
  return out.release();
}

std::optional<SequenceMessage> decode_sequence(ByteView payload) {
  Fields fields(payload);
  SequenceMessage message;
  message.door = fields.u32();
  message.sequence = fields.sequence();
  return whole(fields, std::move(message));
}

Bytes encode_ready(const ReadyMessage& message) {
  Writer out;
  for (const auto& interface : message.interfaces) {
    out.put_u32(static_cast<std::uint32_t>(interface.link_type));
    put_text(out, interface.warning);
  }
  return out.release();
}

std::optional<ReadyMessage> decode_ready(ByteView payload) {
  Fields fields(payload);
  ReadyMessage message;
  while (fields.has_more()) {
    const auto link_type = static_cast<std::int32_t>(fields.u32());
    message.interfaces.push_back({link_type, fields.text()});
  }
  return whole(fields, std::move(message));
}

Bytes encode_capture_lost(const CaptureLostMessage& message) {
  Writer out;
  out.put_u32(message.interface);
  out.put_u8(message.is_gone ? 1 : 0);
  put_text(out, message.text);
  return out.release();
}

std::optional<CaptureLostMessage> decode_capture_lost(ByteView payload) {
  Fields fields(payload);
  CaptureLostMessage message;
  message.interface = fields.u32();
  message.is_gone = fields.flag();
  message.text = fields.text();
  return whole(fields, std::move(message));
}

void encode_report(const SensorReport& report, Writer& out) {
  std::visit(Overloaded{
                 [&](const StageReached& r) {
                   put_kind(out, ReportKind::stage);
                   out.put_u32(r.door);
                   put_address(out, r.source);
                   out.put_u8(static_cast<std::uint8_t>(r.stage));
                 },
                 [&](const Opened& r) {
                   put_kind(out, ReportKind::opened);
                   out.put_u32(r.door);
                   put_address(out, r.source);
                 },
                 [&](const TimedOut& r) {
                   put_kind(out, ReportKind::timed_out);
                   out.put_u32(r.door);
                   put_address(out, r.source);
                   out.put_u8(static_cast<std::uint8_t>(r.stage));
                 },
                 [&](const Removed& r) {
                   put_kind(out, ReportKind::removed);
                   put_address(out, r.source);
                   out.put_u8(r.was_successful ? 1 : 0);
                 },
                 [&](const FlagUnmet& r) {
                   put_kind(out, ReportKind::flag_unmet);
                   out.put_u8(r.bit);
                   out.put_u8(r.must_be_set ? 1 : 0);
                 },
                 [&](const Evicted& r) {
                   put_kind(out, ReportKind::evicted);
                   out.put_u32(r.door);
                   put_address(out, r.source);
                 },
                 [&](const PacketSeen& r) {
                   put_kind(out, ReportKind::packet);
                   out.put_u64(static_cast<std::uint64_t>(r.time_us));
                   out.put_u8(static_cast<std::uint8_t>(r.hit.protocol));
                   out.put_u16(r.hit.port);
                   out.put_u16(r.source_port);
                   put_address(out, r.source);
                   put_address(out, r.destination);
                   out.put_u32(r.wire_length_bytes);
                 },
             },
             report);
}

SensorReport widen(const Report& report) {
  return std::visit([](const auto& r) -> SensorReport { return r; }, report);
}

std::optional<std::vector<SensorReport>> decode_reports(ByteView payload) {
  Fields fields(payload);
  std::vector<SensorReport> reports;
  while (fields.has_more()) reports.push_back(decode_report(fields));
  return whole(fields, std::move(reports));
}

}  // namespace latchkey::knockd
