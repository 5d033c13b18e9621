// SPDX-License-Identifier: GPL-2.0-or-later
// Between filter.cc and capture.cc: programs in libpcap's shape and back. Internal to common/net.
#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/filter.h"

struct bpf_insn;
struct pcap;

namespace latchkey::net {

std::vector<bpf_insn> to_pcap(const FilterProgram& program);

/// Compiles for `handle`: a live one knows more than its link type (VLAN tags that the kernel keeps beside the packet).
Result<FilterProgram> compile_for(pcap* handle, const std::string& text);

}  // namespace latchkey::net
