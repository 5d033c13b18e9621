// SPDX-License-Identifier: GPL-2.0-or-later
// What the sensor may ask of the monitor, as typed values, and their encoding for the channel.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/net/address.h"
#include "fwknopd/firewall/grant.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::fwknopd {

/// The messages of the channel. The sensor waits for an `answer` after the kinds that are marked; nothing but a
/// `gpg_answer` is ever sent to it unasked.
enum class MessageType : std::uint16_t {
  log = 1,         ///< a log line
  print,           ///< text for standard output (hex dumps)
  ready,           ///< the sensor captures now
  remember,        ///< a digest for the replay cache (answered)
  access,          ///< an access request (answered)
  command,         ///< an SPA command message (answered)
  cycle,           ///< a command cycle (answered)
  gpg,             ///< a packet to be decrypted by gpg; its gpg_answer comes at any time
  limit_reached,   ///< packet limit
  interface_down,  ///< the interface is down, or has been deleted
  capture_failed,  ///< capturing ended for good; log lines said why
  verdict,         ///< what becomes of a packet of the netfilter queue; only where there is one
  answer = 100,    ///< monitor to sensor: one octet, 1 = done, 0 = refused
  gpg_answer,      ///< monitor to sensor: what gpg made of the packet
};

/// Where a message's NAT leads: a host as written (IPv4 or a name) and a port.
struct NatTarget {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const NatTarget&) const = default;
};

struct AccessRequest {
  std::uint32_t stanza = 0;  ///< index from 0
  net::IpAddress packet_source;
  net::IpAddress packet_destination;  ///< the real one, in UDP server mode too
  net::IpAddress allowed;
  RequestKind kind = RequestKind::access;
  std::vector<Service> services;
  std::optional<NatTarget> nat;
  std::uint32_t client_timeout_s = 0;  ///< 0: none was asked for
  bool operator==(const AccessRequest&) const = default;
};

struct CommandRequest {
  std::uint32_t stanza = 0;
  net::IpAddress packet_source;
  net::IpAddress allowed;
  std::string command;
  bool operator==(const CommandRequest&) const = default;
};

struct CycleRequest {
  AccessRequest access;
  net::IpAddress shown_destination;  ///< `$DST`: 0.0.0.0 in UDP server mode
  std::uint64_t timestamp_s = 0;     ///< of the SPA message
  bool operator==(const CycleRequest&) const = default;
};

/// Of the kernel, not of a stanza: only the monitor can give it.
struct QueueVerdict {
  std::uint32_t packet = 0;  ///< the number that the kernel gave it
  bool is_dropped = true;    ///< else it goes its way
  bool operator==(const QueueVerdict&) const = default;
};

Bytes encode(const AccessRequest& request);
Bytes encode(const CommandRequest& request);
Bytes encode(const CycleRequest& request);
Bytes encode(const ReplayEntry& entry);
Bytes encode(const QueueVerdict& verdict);

/// nullopt: too short, too long, or a field out of its range. The caller ends the sensor then.
std::optional<AccessRequest> decode_access_request(ByteView payload);
std::optional<CommandRequest> decode_command_request(ByteView payload);
std::optional<CycleRequest> decode_cycle_request(ByteView payload);
std::optional<ReplayEntry> decode_replay_entry(ByteView payload);
std::optional<QueueVerdict> decode_queue_verdict(ByteView payload);

}  // namespace latchkey::fwknopd
