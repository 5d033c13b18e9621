// SPDX-License-Identifier: GPL-2.0-or-later
// Link types by libpcap's numbers.
#pragma once

namespace latchkey::net {

/// The value of pcap_datalink(); any other number may stand in it too.
enum class LinkType : int {
  null = 0,  ///< BSD loopback, address family in the byte order of the writer
  ethernet = 1,
  ppp = 9,
  raw = 12,        ///< IPv4 or IPv6, by the version nibble
  ppp_ether = 51,  ///< PPPoE session header, then PPP
  raw_file = 101,  ///< `raw` as numbered in capture files
  loop = 108,      ///< as `null`, in network byte order
  sll = 113,       ///< Linux cooked capture, version 1
  ipv4 = 228,
  ipv6 = 229,
  sll2 = 276,  ///< Linux cooked capture, version 2
};

}  // namespace latchkey::net
