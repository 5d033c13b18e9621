// SPDX-License-Identifier: GPL-2.0-or-later
// Classic BPF instructions, last first.
#include "knockd/bpf_builder.h"

#include <linux/filter.h>

#include <algorithm>
#include <utility>

namespace latchkey::knockd {
namespace {

constexpr std::size_t longest_jump = 255;
constexpr std::size_t leaf_ranges = 16;
// A leaf is at most two instructions a range, with two long jumps before and after.
constexpr std::size_t leaf_reach = longest_jump - 2 * leaf_ranges - 4;

}  // namespace

BpfBuilder::Label BpfBuilder::put(std::uint16_t code, std::uint32_t operand) {
  reversed_.push_back({.code = code, .operand = operand});
  return reversed_.size();
}

BpfBuilder::Label BpfBuilder::give_back(std::uint32_t bytes) { return put(BPF_RET | BPF_K, bytes); }
BpfBuilder::Label BpfBuilder::load_byte(std::uint32_t offset) { return put(BPF_LD | BPF_B | BPF_ABS, offset); }
BpfBuilder::Label BpfBuilder::load_half(std::uint32_t offset) { return put(BPF_LD | BPF_H | BPF_ABS, offset); }
BpfBuilder::Label BpfBuilder::load_word(std::uint32_t offset) { return put(BPF_LD | BPF_W | BPF_ABS, offset); }
BpfBuilder::Label BpfBuilder::load_byte_indexed(std::uint32_t offset) { return put(BPF_LD | BPF_B | BPF_IND, offset); }
BpfBuilder::Label BpfBuilder::load_half_indexed(std::uint32_t offset) { return put(BPF_LD | BPF_H | BPF_IND, offset); }
BpfBuilder::Label BpfBuilder::load_ip_header_length(std::uint32_t offset) {
  return put(BPF_LDX | BPF_B | BPF_MSH, offset);
}
BpfBuilder::Label BpfBuilder::and_with(std::uint32_t mask) { return put(BPF_ALU | BPF_AND | BPF_K, mask); }

BpfBuilder::Label BpfBuilder::bring_near(Label label, std::size_t reach) {
  const std::size_t distance = size() - label;
  if (distance <= reach) return label;
  return put(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance));
}

BpfBuilder::Label BpfBuilder::jump(std::uint16_t condition, std::uint32_t value, Label then, Label otherwise) {
  // The second long jump may push the first target one further.
  then = bring_near(then, longest_jump - 1);
  otherwise = bring_near(otherwise, longest_jump);
  const auto distance = [this](Label label) { return static_cast<std::uint8_t>(size() - label); };
  const net::FilterInstruction instruction{.code = static_cast<std::uint16_t>(BPF_JMP | BPF_K | condition),
                                           .jump_true = distance(then),
                                           .jump_false = distance(otherwise),
                                           .operand = value};
  reversed_.push_back(instruction);
  return size();
}

BpfBuilder::Label BpfBuilder::if_equal(std::uint32_t value, Label then, Label otherwise) {
  return jump(BPF_JEQ, value, then, otherwise);
}

BpfBuilder::Label BpfBuilder::if_any_bit(std::uint32_t mask, Label then, Label otherwise) {
  return jump(BPF_JSET, mask, then, otherwise);
}

BpfBuilder::Label BpfBuilder::if_in(std::span<const ValueRange> ranges, Label then, Label otherwise) {
  if (ranges.size() > leaf_ranges) {
    const std::size_t middle = ranges.size() / 2;
    const Label right = if_in(ranges.subspan(middle), then, otherwise);
    const Label left = if_in(ranges.first(middle), then, otherwise);
    return jump(BPF_JGE, ranges[middle].first, right, left);
  }
  then = bring_near(then, leaf_reach);
  otherwise = bring_near(otherwise, leaf_reach);
  Label next = otherwise;
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
    if (range->first == range->last) {
      next = jump(BPF_JEQ, range->first, then, next);
    } else {
      const Label below_end = jump(BPF_JGT, range->last, next, then);
      next = jump(BPF_JGE, range->first, below_end, next);
    }
  }
  // Without any range there is no instruction: what comes next must be `otherwise`.
  return ranges.empty() && otherwise != size() ? put(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(size() - otherwise))
                                               : next;
}

net::FilterProgram BpfBuilder::release() {
  std::ranges::reverse(reversed_);
  return std::exchange(reversed_, {});
}

}  // namespace latchkey::knockd
