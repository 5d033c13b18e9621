// SPDX-License-Identifier: GPL-2.0-or-later
// The zone of an address by the name of its interface.
#include "common/net/host_text.h"

#include <net/if.h>

#include <array>

namespace latchkey::net {

std::string format_host(const SocketAddress& address) {
  std::string text = format_ip_address(address.address);
  if (address.scope_id == 0 || !address.address.is_v6()) return text;
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(address.scope_id, name.data())) return text + '%' + name.data();
  return text + '%' + std::to_string(address.scope_id);
}

}  // namespace latchkey::net
