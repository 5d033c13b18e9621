// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's switch for forwarding, which grants of NAT need (ENABLE_PROC_IP_FORWARD of fwknop 1.9).
#pragma once
#include "common/log/logger.h"

namespace latchkey::fwknopd {

/// Sets /proc/sys/net/ipv4/ip_forward to 1, with a line, where it is 0; any other value is left alone. A failure is a
/// warning.
void enable_ip_forward(log::Logger& log);

}  // namespace latchkey::fwknopd
