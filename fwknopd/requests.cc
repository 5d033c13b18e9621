// SPDX-License-Identifier: GPL-2.0-or-later
// Encoding of requests: fixed order, big-endian, lengths in front of texts and lists.
#include "fwknopd/requests.h"

#include <algorithm>

#include "common/spa/types.h"

namespace latchkey::fwknopd {
namespace {

/// More than a message of 255 characters can name.
constexpr std::size_t most_services = 64;

void put_text(Writer& out, std::string_view text) {
  out.put_u16(static_cast<std::uint16_t>(text.size()));
  out.put(as_bytes(text));
}

std::optional<std::string> take_text(Cursor& in, std::size_t limit) {
  const auto size = in.take_u16();
  if (!size || *size > limit) return std::nullopt;
  const auto bytes = in.take(*size);
  return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
}

void put_address(Writer& out, const net::IpAddress& address) { out.put_u32(address.v4_value()); }

bool take_address(Cursor& in, net::IpAddress& address) {
  const auto value = in.take_u32();
  if (value) address = net::IpAddress::v4(*value);
  return value.has_value();
}

template <class T>
bool store(const std::optional<T>& taken, T& value) {
  if (taken) value = *taken;
  return taken.has_value();
}

void put(Writer& out, const AccessRequest& request) {
  out.put_u32(request.stanza);
  put_address(out, request.packet_source);
  put_address(out, request.packet_destination);
  put_address(out, request.allowed);
  out.put_u8(static_cast<std::uint8_t>(request.kind));
  out.put_u32(request.client_timeout_s);
  out.put_u8(static_cast<std::uint8_t>(request.services.size()));
  for (const Service& service : request.services) {
    out.put_u8(static_cast<std::uint8_t>(service.protocol));
    out.put_u16(service.port);
  }
  out.put_u8(request.nat ? 1 : 0);
  if (!request.nat) return;
  put_text(out, request.nat->host);
  out.put_u16(request.nat->port);
}

bool take_services(Cursor& in, std::vector<Service>& services) {
  const auto count = in.take_u8();
  if (!count || *count > most_services) return false;
  for (unsigned i = 0; i < *count; ++i) {
    const auto protocol = in.take_u8();
    const auto port = in.take_u16();
    if (!port || (*protocol != 6 && *protocol != 17)) return false;
    services.push_back({static_cast<Protocol>(*protocol), *port});
  }
  return true;
}

bool take_nat(Cursor& in, std::optional<NatTarget>& nat) {
  const auto is_there = in.take_u8();
  if (!is_there || *is_there > 1) return false;
  if (*is_there == 0) return true;
  auto host = take_text(in, spa::limit::nat_host);
  const auto port = in.take_u16();
  if (!host || !port) return false;
  nat = NatTarget{std::move(*host), *port};
  return true;
}

bool take(Cursor& in, AccessRequest& request) {
  std::uint8_t kind = 0;
  const bool is_complete = store(in.take_u32(), request.stanza) && take_address(in, request.packet_source) &&
                           take_address(in, request.packet_destination) && take_address(in, request.allowed) &&
                           store(in.take_u8(), kind) && store(in.take_u32(), request.client_timeout_s) &&
                           take_services(in, request.services) && take_nat(in, request.nat);
  if (!is_complete || kind > static_cast<std::uint8_t>(RequestKind::local_nat)) return false;
  request.kind = static_cast<RequestKind>(kind);
  return true;
}

}  // namespace

Bytes encode(const AccessRequest& request) {
  Writer out;
  put(out, request);
  return out.release();
}

Bytes encode(const CommandRequest& request) {
  Writer out;
  out.put_u32(request.stanza);
  put_address(out, request.packet_source);
  put_address(out, request.allowed);
  put_text(out, request.command);
  return out.release();
}

Bytes encode(const CycleRequest& request) {
  Writer out;
  put(out, request.access);
  put_address(out, request.shown_destination);
  out.put_u64(request.timestamp_s);
  return out.release();
}

Bytes encode(const ReplayEntry& entry) {
  Writer out;
  out.put(entry.digest);
  out.put_u8(entry.protocol);
  out.put_u16(entry.source_port);
  out.put_u16(entry.destination_port);
  out.put_u32(entry.source);
  out.put_u32(entry.destination);
  out.put_u64(static_cast<std::uint64_t>(entry.time_s));
  return out.release();
}

Bytes encode(const QueueVerdict& verdict) {
  Writer out;
  out.put_u32(verdict.packet);
  out.put_u8(verdict.is_dropped ? 1 : 0);
  return out.release();
}

std::optional<AccessRequest> decode_access_request(ByteView payload) {
  Cursor in(payload);
  AccessRequest request;
  if (!take(in, request) || !in.is_empty()) return std::nullopt;
  return request;
}

std::optional<CommandRequest> decode_command_request(ByteView payload) {
  Cursor in(payload);
  CommandRequest request;
  if (!store(in.take_u32(), request.stanza) || !take_address(in, request.packet_source) ||
      !take_address(in, request.allowed)) {
    return std::nullopt;
  }
  auto command = take_text(in, spa::limit::message);
  if (!command || !in.is_empty()) return std::nullopt;
  request.command = std::move(*command);
  return request;
}

std::optional<CycleRequest> decode_cycle_request(ByteView payload) {
  Cursor in(payload);
  CycleRequest request;
  if (!take(in, request.access) || !take_address(in, request.shown_destination) ||
      !store(in.take_u64(), request.timestamp_s) || !in.is_empty()) {
    return std::nullopt;
  }
  return request;
}

std::optional<ReplayEntry> decode_replay_entry(ByteView payload) {
  Cursor in(payload);
  ReplayEntry entry;
  std::uint64_t time = 0;
  const auto digest = in.take(entry.digest.size());
  if (!digest || !store(in.take_u8(), entry.protocol) || !store(in.take_u16(), entry.source_port) ||
      !store(in.take_u16(), entry.destination_port) || !store(in.take_u32(), entry.source) ||
      !store(in.take_u32(), entry.destination) || !store(in.take_u64(), time) || !in.is_empty()) {
    return std::nullopt;
  }
  std::ranges::copy(*digest, entry.digest.begin());
  entry.time_s = static_cast<std::int64_t>(time);
  return entry;
}

std::optional<QueueVerdict> decode_queue_verdict(ByteView payload) {
  Cursor in(payload);
  QueueVerdict verdict;
  std::uint8_t is_dropped = 0;
  if (!store(in.take_u32(), verdict.packet) || !store(in.take_u8(), is_dropped) || !in.is_empty() || is_dropped > 1) {
    return std::nullopt;
  }
  verdict.is_dropped = is_dropped == 1;
  return verdict;
}

}  // namespace latchkey::fwknopd
