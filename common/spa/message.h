// SPDX-License-Identifier: GPL-2.0-or-later
// The SPA message: the decoded plaintext fields, each kind of request a type of its own (spec/spa-wire.md 2).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/spa/code.h"
#include "common/spa/types.h"

namespace latchkey::spa {

enum class Protocol { tcp, udp };

struct PortItem {
  Protocol protocol;
  std::uint16_t port;
  friend bool operator==(const PortItem&, const PortItem&) = default;
};

/// `IP,PROTO/PORT[,PROTO/PORT...]`. Made by parse_access only, so the parts always match the text.
struct AccessText {
  std::string text;
  std::string allow_ip;     ///< as written; a receiver never sees octets with leading zeros
  std::uint32_t address{};  ///< the same as a number, host order
  std::vector<PortItem> ports;
  friend bool operator==(const AccessText&, const AccessText&) = default;
};

/// `IP,COMMAND`. Made by parse_command only.
struct CommandText {
  std::string text;
  std::string allow_ip;
  std::uint32_t address{};
  std::string command;
  friend bool operator==(const CommandText&, const CommandText&) = default;
};

/// `HOST,PORT`. Made by parse_nat only.
struct NatText {
  std::string text;
  std::string host;
  std::uint16_t port{};
  friend bool operator==(const NatText&, const NatText&) = default;
};

struct Command {
  CommandText request;
  friend bool operator==(const Command&, const Command&) = default;
};
struct Access {
  AccessText request;
  std::optional<std::uint32_t> timeout_s = {};
  friend bool operator==(const Access&, const Access&) = default;
};
struct NatAccess {
  AccessText request;
  NatText nat;
  std::optional<std::uint32_t> timeout_s = {};
  friend bool operator==(const NatAccess&, const NatAccess&) = default;
};
struct LocalNatAccess {
  AccessText request;
  NatText nat;
  std::optional<std::uint32_t> timeout_s = {};
  friend bool operator==(const LocalNatAccess&, const LocalNatAccess&) = default;
};
using Body = std::variant<Command, Access, NatAccess, LocalNatAccess>;

struct Message {
  std::string random_value;  ///< 16 digits
  std::string username;
  std::uint32_t timestamp_s{};  ///< Unix time
  std::string version = std::string(protocol_version);
  Body body;
  std::string server_auth;  ///< empty: none

  MessageType type() const;
  /// The message field as sent: `IP,...`.
  const std::string& text() const;
  /// Empty for kinds without NAT.
  const NatText* nat() const;
  std::optional<std::uint32_t> timeout_s() const;
  const std::string& allow_ip() const;
  friend bool operator==(const Message&, const Message&) = default;
};

/// 16 independent digits. Error: filesystem_operation when the generator is unavailable.
Result<std::string, Code> make_random_value(Rng& rng);

}  // namespace latchkey::spa
