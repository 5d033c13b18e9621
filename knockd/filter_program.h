// SPDX-License-Identifier: GPL-2.0-or-later
// The capture filter that is installed: packets that no door wants do not wake the daemon.
#pragma once
#include <vector>

#include "common/net/address.h"
#include "common/net/filter.h"
#include "knockd/door.h"

namespace latchkey::knockd {

/// The visibility predicate of spec/knockd.md 4 for Ethernet, cooked and raw links. It is exact while the kernel takes
/// a program of that length; with thousands of doors it lets more through, in steps: any door's destination, then any
/// flags, then ports between a door's ports. The matcher decides in any case. No doors or addresses: nothing passes.
net::FilterProgram build_filter_program(const std::vector<Lock>& doors, const std::vector<net::IpAddress>& local,
                                        net::LinkType link);

}  // namespace latchkey::knockd
