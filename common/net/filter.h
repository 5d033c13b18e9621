// SPDX-License-Identifier: GPL-2.0-or-later
// Classic BPF programs as values: compiled from text by libpcap, or built by hand.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/net/link_type.h"

namespace latchkey::net {

/// One instruction, as struct sock_filter and struct bpf_insn have it.
struct FilterInstruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0;
  std::uint8_t jump_false = 0;
  std::uint32_t operand = 0;
  friend bool operator==(const FilterInstruction&, const FilterInstruction&) = default;
};
using FilterProgram = std::vector<FilterInstruction>;

/// The kernel takes no longer program; Capture runs a longer one in user space.
inline constexpr std::size_t max_kernel_filter_instructions = 4096;

/// Compiles filter text without a device, optimised, netmask 0. Error text: libpcap's own.
Result<FilterProgram> compile_filter(const std::string& text, LinkType link, int snap_length_bytes);

/// A program that lets no packet pass.
FilterProgram reject_all_filter();

/// Whether `packet` passes: runs the program in user space (libpcap's interpreter). An empty program passes everything.
bool filter_passes(const FilterProgram& program, ByteView packet, std::size_t wire_length_bytes);

}  // namespace latchkey::net
