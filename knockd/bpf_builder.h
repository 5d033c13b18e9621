// SPDX-License-Identifier: GPL-2.0-or-later
// Builds classic BPF programs from their end to their beginning: all jumps lead forward, so every target is known when
// a jump is written, and whether it is near enough for a conditional jump's eight bits.
#pragma once
#include <cstdint>
#include <span>

#include "common/net/filter.h"

namespace latchkey::knockd {

/// Values `first`..`last`, both included.
struct ValueRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

class BpfBuilder {
 public:
  /// An instruction, counted from the end of the program.
  using Label = std::size_t;

  /// Each call puts one instruction in front of everything so far and returns where it is; what follows is `next`, the
  /// label returned last, unless labels are given.
  Label give_back(std::uint32_t bytes);
  Label load_byte(std::uint32_t offset);
  Label load_half(std::uint32_t offset);
  Label load_word(std::uint32_t offset);
  /// Behind X.
  Label load_byte_indexed(std::uint32_t offset);
  Label load_half_indexed(std::uint32_t offset);
  /// X = length of the IPv4 header at `offset`.
  Label load_ip_header_length(std::uint32_t offset);
  Label and_with(std::uint32_t mask);

  Label if_equal(std::uint32_t value, Label then, Label otherwise);
  Label if_any_bit(std::uint32_t mask, Label then, Label otherwise);
  /// Whether A is in one of the ranges, which are sorted and do not overlap: a search tree.
  Label if_in(std::span<const ValueRange> ranges, Label then, Label otherwise);

  std::size_t size() const { return reversed_.size(); }
  /// In the order of execution.
  net::FilterProgram release();

 private:
  Label put(std::uint16_t code, std::uint32_t operand);
  Label jump(std::uint16_t condition, std::uint32_t value, Label then, Label otherwise);
  /// A label that a conditional jump written soon can reach.
  Label bring_near(Label label, std::size_t reach);

  net::FilterProgram reversed_;
};

}  // namespace latchkey::knockd
