// SPDX-License-Identifier: GPL-2.0-or-later
// Building and asking the index of sources.
#include "fwknopd/source_index.h"

#include <algorithm>

namespace latchkey::fwknopd {

SourceIndex::SourceIndex(const std::vector<Stanza>& stanzas) {
  for (std::uint32_t i = 0; i < stanzas.size(); ++i) {
    for (const AddressList::Item& item : stanzas[i].source.items()) {
      auto mask = std::ranges::find(masks_, item.mask, &Mask::mask);
      if (mask == masks_.end()) mask = masks_.insert(masks_.end(), Mask{item.mask, {}});
      Stanzas& found = mask->networks[item.network];
      if (found.empty() || found.back() != i) found.push_back(i);  // one stanza may name a network twice
    }
  }
}

std::span<const std::uint32_t> SourceIndex::find(std::uint32_t ipv4) {
  const Stanzas* only = nullptr;
  merged_.clear();
  for (const Mask& mask : masks_) {
    const auto found = mask.networks.find(ipv4 & mask.mask);
    if (found == mask.networks.end()) continue;
    if (only == nullptr && merged_.empty()) {
      only = &found->second;
      continue;
    }
    if (only != nullptr) merged_ = *std::exchange(only, nullptr);
    merged_.insert(merged_.end(), found->second.begin(), found->second.end());
  }
  if (only != nullptr) return *only;
  std::ranges::sort(merged_);
  // Not std::ranges::unique: clang 14 cannot use its subrange.
  merged_.erase(std::unique(merged_.begin(), merged_.end()), merged_.end());
  return merged_;
}

}  // namespace latchkey::fwknopd
