// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of the interfaces of this host, in the order of the kernel, and news about them (rtnetlink).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/net/address.h"

namespace latchkey::net {

struct LocalAddress {
  IpAddress address;  ///< link-local IPv6 without its zone
  std::string label;  ///< IPv4: the label ("kd0", "kd0:1"); IPv6: the interface name
  unsigned interface_index = 0;
  std::string interface;  ///< name of the device
  unsigned prefix_length = 0;
  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

/// All addresses of the host in system order: IPv4 by interface, then IPv6 by interface. Error: errno.
Result<std::vector<LocalAddress>> local_addresses();

/// Those that belong to `name` (spec/knockd.md 4): a device name gives all its addresses, labelled ones included; a
/// label that is no device name ("kd0:1") gives the addresses with that label. Order is kept.
std::vector<LocalAddress> addresses_of(const std::vector<LocalAddress>& all, std::string_view name);

/// "kd0:1" -> "kd0": the device of a label.
std::string_view device_of_label(std::string_view label);

/// The address that the kernel would send from to `destination`. Error: errno ("Network is unreachable").
Result<IpAddress> source_address_for(const IpAddress& destination);

/// Is there a device of that name, and is it up (IFF_UP)?
bool is_interface_up(const std::string& name);

struct AddressChange {
  bool is_added = false;
  LocalAddress address;  ///< `interface` is empty: only the label is told
};
struct LinkChange {
  unsigned interface_index = 0;
  std::string name;
  bool is_up = false;  ///< IFF_UP
  bool is_deleted = false;
};
/// The kernel lost messages: read everything anew.
struct ChangesLost {};
using NetworkChange = std::variant<AddressChange, LinkChange, ChangesLost>;

/// Tells of addresses and links as they change. Opening needs no privilege.
class NetworkWatcher {
 public:
  static Result<NetworkWatcher> open();
  int fd() const { return socket_.get(); }
  /// All changes that wait, without blocking; empty when none does.
  Result<std::vector<NetworkChange>> read_changes();

 private:
  explicit NetworkWatcher(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace latchkey::net
