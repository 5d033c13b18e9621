// SPDX-License-Identifier: GPL-2.0-or-later
// SourceIndex: which stanzas a packet's source can match, without a look at the others.
#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

class SourceIndex {
 public:
  explicit SourceIndex(const std::vector<Stanza>& stanzas);

  /// Indices of the stanzas whose SOURCE contains the address, ascending. Valid until the next call. One hash look-up
  /// for each different mask in the configuration.
  std::span<const std::uint32_t> find(std::uint32_t ipv4);

 private:
  using Stanzas = std::vector<std::uint32_t>;
  struct Mask {
    std::uint32_t mask = 0;
    std::unordered_map<std::uint32_t, Stanzas> networks;
  };

  std::vector<Mask> masks_;
  Stanzas merged_;
};

}  // namespace latchkey::fwknopd
