// SPDX-License-Identifier: GPL-2.0-or-later
// From doors to a BPF program: doors that differ in their ports only share a block.
#include "knockd/filter_program.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "knockd/bpf_builder.h"
#include "knockd/filter_text.h"

namespace latchkey::knockd {
namespace {

constexpr std::uint32_t whole_packet = 262144;
constexpr std::uint32_t ethernet_type_v4 = 0x0800;
constexpr std::uint32_t ethernet_type_v6 = 0x86dd;
constexpr std::size_t v6_header_bytes = 40;
// More IPv6 destinations than these are looked up by their last four bytes.
constexpr std::size_t most_exact_v6 = 16;

/// How much more than wanted may pass, to keep the program short.
struct Coarseness {
  bool merges_destinations = false;
  bool ignores_flags = false;
  std::uint32_t port_gap = 0;  ///< ports at most that far apart become one range
};

/// What doors have in common that share a block.
struct BlockKey {
  net::IpProtocol protocol{};
  std::uint8_t flags_set = 0;
  std::uint8_t flags_clear = 0;
  std::vector<net::IpAddress> destinations;
  friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};
using Blocks = std::map<BlockKey, std::set<std::uint32_t>>;

Blocks make_blocks(const std::vector<Lock>& doors, const std::vector<net::IpAddress>& local, Family family,
                   const Coarseness& coarseness) {
  std::set<net::IpAddress> all_destinations;
  if (coarseness.merges_destinations) {
    for (const Lock& door : doors) {
      const auto own = destinations_of(door, local, family);
      if (!door.sequence.empty()) all_destinations.insert(own.begin(), own.end());
    }
  }
  Blocks blocks;
  for (const Lock& door : doors) {
    BlockKey key;
    key.destinations = destinations_of(door, local, family);
    if (key.destinations.empty()) continue;
    std::ranges::sort(key.destinations);
    if (coarseness.merges_destinations) key.destinations = {all_destinations.begin(), all_destinations.end()};
    for (const net::PortProto& hit : door.sequence) {
      key.protocol = hit.protocol;
      const bool has_flags = hit.protocol == net::IpProtocol::tcp && !coarseness.ignores_flags;
      key.flags_set = has_flags ? door.flags.set : 0;
      key.flags_clear = has_flags ? door.flags.clear : 0;
      blocks[key].insert(hit.port);
    }
  }
  return blocks;
}

std::vector<ValueRange> make_ranges(const std::set<std::uint32_t>& values, std::uint32_t gap) {
  std::vector<ValueRange> ranges;
  for (const std::uint32_t value : values) {
    if (!ranges.empty() && value - ranges.back().last <= gap + 1) {
      ranges.back().last = value;
    } else {
      ranges.push_back({value, value});
    }
  }
  return ranges;
}

/// Four bytes of an address as BPF loads them.
std::uint32_t word_of(const net::IpAddress& address, std::size_t index) {
  std::uint32_t word = 0;
  for (const std::byte byte : address.bytes().subspan(index * 4, 4))
    word = word << 8 | std::to_integer<std::uint32_t>(byte);
  return word;
}

/// Writes one family's part of the program, last block first.
class FamilyPart {
 public:
  using Label = BpfBuilder::Label;
  FamilyPart(BpfBuilder& out, Family family, std::uint32_t ip_offset, Label accept, Label reject)
      : out_(out), family_(family), ip_(ip_offset), accept_(accept), reject_(reject) {}

  /// Expects nothing in A and X.
  Label write(const Blocks& blocks, const Coarseness& coarseness) {
    const Label tcp = write_protocol(blocks, net::IpProtocol::tcp, coarseness);
    const Label udp = write_protocol(blocks, net::IpProtocol::udp, coarseness);
    const Label is_udp = out_.if_equal(static_cast<std::uint32_t>(net::IpProtocol::udp), udp, reject_);
    out_.if_equal(static_cast<std::uint32_t>(net::IpProtocol::tcp), tcp, is_udp);
    if (family_ == Family::v6) return out_.load_byte(ip_ + 6);
    const Label protocol = out_.load_byte(ip_ + 9);
    out_.if_any_bit(0x1fff, reject_, protocol);  // fragments but the first have no ports
    return out_.load_half(ip_ + 6);
  }

 private:
  Label write_protocol(const Blocks& blocks, net::IpProtocol protocol, const Coarseness& coarseness) {
    Label next = reject_;
    bool is_used = false;
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      if (block->first.protocol != protocol) continue;
      next = write_block(block->first, make_ranges(block->second, coarseness.port_gap), next);
      is_used = true;
    }
    if (!is_used || family_ == Family::v6) return next;
    return out_.load_ip_header_length(ip_);
  }

  Label write_block(const BlockKey& key, const std::vector<ValueRange>& ports, Label otherwise) {
    Label next = out_.if_in(ports, accept_, otherwise);
    next = load_port();
    if ((key.flags_set | key.flags_clear) != 0) {
      out_.if_equal(key.flags_set, next, otherwise);
      out_.and_with(static_cast<std::uint32_t>(key.flags_set | key.flags_clear));
      next = load_flags();
    }
    return family_ == Family::v4 ? write_v4_destinations(key, next, otherwise)
                                 : write_v6_destinations(key, next, otherwise);
  }

  Label load_port() {
    return family_ == Family::v4 ? out_.load_half_indexed(ip_ + 2) : out_.load_half(ip_ + v6_header_bytes + 2);
  }
  Label load_flags() {
    return family_ == Family::v4 ? out_.load_byte_indexed(ip_ + 13) : out_.load_byte(ip_ + v6_header_bytes + 13);
  }

  Label write_words(const std::vector<net::IpAddress>& addresses, std::size_t word, std::uint32_t offset, Label then,
                    Label otherwise) {
    std::set<std::uint32_t> words;
    for (const net::IpAddress& address : addresses) words.insert(word_of(address, word));
    out_.if_in(make_ranges(words, 0), then, otherwise);
    return out_.load_word(offset);
  }

  Label write_v4_destinations(const BlockKey& key, Label then, Label otherwise) {
    return write_words(key.destinations, 0, ip_ + 16, then, otherwise);
  }

  Label write_v6_destinations(const BlockKey& key, Label then, Label otherwise) {
    const std::uint32_t offset = ip_ + 24;
    if (key.destinations.size() > most_exact_v6) return write_words(key.destinations, 3, offset + 12, then, otherwise);
    Label next = otherwise;
    for (const net::IpAddress& address : key.destinations) {
      Label match = then;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t word = 3 - i;
        out_.if_equal(word_of(address, word), match, next);
        match = out_.load_word(offset + static_cast<std::uint32_t>(4 * word));
      }
      next = match;
    }
    return next;
  }

  BpfBuilder& out_;
  Family family_;
  std::uint32_t ip_;
  Label accept_;
  Label reject_;
};

net::FilterProgram write_program(const std::vector<Lock>& doors, const std::vector<net::IpAddress>& local,
                                 net::LinkType link, const Coarseness& coarseness) {
  const std::uint32_t ip_offset = link == net::LinkType::ethernet ? 14 : link == net::LinkType::sll ? 16 : 0;
  BpfBuilder out;
  const auto reject = out.give_back(0);
  const auto accept = out.give_back(whole_packet);
  const auto write_family = [&](Family family) -> BpfBuilder::Label {
    const Blocks blocks = make_blocks(doors, local, family, coarseness);
    if (blocks.empty()) return reject;
    return FamilyPart(out, family, ip_offset, accept, reject).write(blocks, coarseness);
  };
  const auto v6 = write_family(Family::v6);
  const auto v4 = write_family(Family::v4);
  if (v4 == reject && v6 == reject) return net::reject_all_filter();
  if (ip_offset == 0) {
    const auto is_v6 = out.if_equal(0x60, v6, reject);
    out.if_equal(0x40, v4, is_v6);
    out.and_with(0xf0);
    out.load_byte(0);
  } else {
    const auto is_v6 = out.if_equal(ethernet_type_v6, v6, reject);
    out.if_equal(ethernet_type_v4, v4, is_v6);
    out.load_half(ip_offset - 2);
  }
  return out.release();
}

}  // namespace

net::FilterProgram build_filter_program(const std::vector<Lock>& doors, const std::vector<net::IpAddress>& local,
                                        net::LinkType link) {
  std::vector<Coarseness> steps{{}, {.merges_destinations = true}};
  for (std::uint32_t gap = 0; gap <= 65535; gap = gap * 2 + 1)
    steps.push_back({.merges_destinations = true, .ignores_flags = true, .port_gap = gap});
  for (const Coarseness& step : steps) {
    auto program = write_program(doors, local, link, step);
    if (program.size() <= net::max_kernel_filter_instructions) return program;
  }
  // Destinations by the thousand: everything passes, and the matcher chooses.
  BpfBuilder everything;
  everything.give_back(whole_packet);
  return everything.release();
}

}  // namespace latchkey::knockd
