// SPDX-License-Identifier: GPL-2.0-or-later
// The index of sources says what a walk over all stanzas says.
#include "fwknopd/source_index.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace latchkey::fwknopd {
namespace {

using Indices = std::vector<std::uint32_t>;

std::vector<Stanza> stanzas(const std::vector<std::vector<AddressList::Item>>& sources) {
  std::vector<Stanza> made;
  for (const auto& items : sources) {
    Stanza stanza;
    stanza.source = AddressList(items);
    made.push_back(std::move(stanza));
  }
  return made;
}

Indices walk(const std::vector<Stanza>& all, std::uint32_t address) {
  Indices found;
  for (std::uint32_t i = 0; i < all.size(); ++i)
    if (all[i].source.contains(address)) found.push_back(i);
  return found;
}

Indices ask(SourceIndex& index, std::uint32_t address) {
  const auto found = index.find(address);
  return {found.begin(), found.end()};
}

TEST(SourceIndex, keeps_the_order_of_stanzas_and_names_each_once) {
  const auto all = stanzas({{{0x0a000001, 0xffffffff}},
                            {{0, 0}},
                            {{0x0a000000, 0xff000000}, {0x0a000001, 0xffffffff}, {0x0a000001, 0xffffffff}},
                            {{0x0b000000, 0xff000000}}});
  SourceIndex index(all);
  EXPECT_EQ(ask(index, 0x0a000001), (Indices{0, 1, 2}));
  EXPECT_EQ(ask(index, 0x0a000002), (Indices{1, 2}));
  EXPECT_EQ(ask(index, 0x0b000001), (Indices{1, 3}));
  EXPECT_EQ(ask(index, 0x0c000001), (Indices{1}));
}

TEST(SourceIndex, of_nothing_finds_nothing) {
  SourceIndex index({});
  EXPECT_TRUE(index.find(1).empty());
}

TEST(SourceIndex, agrees_with_a_walk_at_random) {
  SeededRng rng(3);
  std::vector<std::vector<AddressList::Item>> sources(200);
  for (auto& items : sources) {
    for (std::uint32_t k = rng.below(4).value(); k > 0; --k) {
      const std::uint32_t length = rng.below(33).value();
      const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
      // Few addresses, so that they meet.
      items.push_back({.network = rng.below(64).value() * 0x04100401 & mask, .mask = mask});
    }
  }
  const auto all = stanzas(sources);
  SourceIndex index(all);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(ask(index, i * 0x04100401), walk(all, i * 0x04100401)) << i;
}

}  // namespace
}  // namespace latchkey::fwknopd
