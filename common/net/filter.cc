// SPDX-License-Identifier: GPL-2.0-or-later
// Filter text through libpcap's compiler, programs through its interpreter.
#include "common/net/filter.h"

#include <pcap/pcap.h>

#include <memory>

#include "common/base/handle.h"
#include "common/net/pcap_glue.h"

namespace latchkey::net {
std::vector<bpf_insn> to_pcap(const FilterProgram& program) {
  std::vector<bpf_insn> instructions;
  instructions.reserve(program.size());
  for (const FilterInstruction& i : program)
    instructions.push_back({.code = i.code, .jt = i.jump_true, .jf = i.jump_false, .k = i.operand});
  return instructions;
}

Result<FilterProgram> compile_for(pcap* handle, const std::string& text) {
  bpf_program compiled{};
  constexpr bpf_u_int32 no_netmask = 0;
  if (pcap_compile(handle, &compiled, text.c_str(), 1, no_netmask) != 0) return fail(Error{pcap_geterr(handle)});
  const Defer release([&] { pcap_freecode(&compiled); });
  FilterProgram program;
  program.reserve(compiled.bf_len);
  for (const bpf_insn& i : std::span(compiled.bf_insns, compiled.bf_len))
    program.push_back({.code = i.code, .jump_true = i.jt, .jump_false = i.jf, .operand = i.k});
  return program;
}

Result<FilterProgram> compile_filter(const std::string& text, LinkType link, int snap_length_bytes) {
  const std::unique_ptr<pcap_t, Deleter<pcap_close>> handle(pcap_open_dead(static_cast<int>(link), snap_length_bytes));
  if (!handle) return fail(Error{"out of memory"});
  return compile_for(handle.get(), text);
}

FilterProgram reject_all_filter() { return {{.code = BPF_RET | BPF_K, .operand = 0}}; }

bool filter_passes(const FilterProgram& program, ByteView packet, std::size_t wire_length_bytes) {
  if (program.empty()) return true;
  const std::vector<bpf_insn> instructions = to_pcap(program);
  const auto* start = static_cast<const u_char*>(static_cast<const void*>(packet.data()));
  return bpf_filter(instructions.data(), start, static_cast<u_int>(wire_length_bytes),
                    static_cast<u_int>(packet.size())) != 0;
}

}  // namespace latchkey::net
