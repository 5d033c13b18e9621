// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's matcher and its configuration.
#include <array>
#include <memory>

#include "bench/cases.h"
#include "knockd/matcher.h"

namespace latchkey::bench {
namespace {

using namespace knockd;
using net::IpAddress;
using net::PortProto;

constexpr IpAddress server = IpAddress::v4(0x0a090001);

/// Door i: ports 1000+i, 20000, 30000, so that the first hit tells them apart.
std::vector<Lock> doors(unsigned count) {
  std::vector<Lock> made;
  for (unsigned i = 0; i < count; ++i) {
    made.push_back({.sequence = {PortProto{net::IpProtocol::tcp, static_cast<std::uint16_t>(1000U + i)},
                                 PortProto{net::IpProtocol::tcp, 20000}, PortProto{net::IpProtocol::tcp, 30000}},
                    .flags = {.set = 0x02}});
  }
  return made;
}

Knock hit(std::uint32_t source, std::uint16_t port) {
  return {
      .source = IpAddress::v4(source), .destination = server, .hit = {net::IpProtocol::tcp, port}, .tcp_flags = 0x02};
}

struct Bed {
  explicit Bed(unsigned door_count, std::uint32_t pending) : matcher(doors(door_count), {.max_attempts = 1 << 20}) {
    matcher.set_local_addresses({server});
    for (std::uint32_t i = 0; i < pending; ++i) handle(hit(0x0b000000 + i, 1000));
  }
  void handle(const Knock& knock) {
    reports.clear();
    matcher.handle(knock, 0, reports);
    keep(reports);
  }
  Matcher matcher;
  Reports reports;
};

/// One knocker does all three hits, again and again, beside `pending` others that have begun.
Work whole_knock(unsigned door_count, std::uint32_t pending) {
  auto bed = std::make_shared<Bed>(door_count, pending);
  return [bed] {
    for (const std::uint16_t port : std::to_array<std::uint16_t>({1000, 20000, 30000}))
      bed->handle(hit(0x0a090002, port));
  };
}

Work unseen(unsigned door_count) {
  auto bed = std::make_shared<Bed>(door_count, 0);
  return [bed] { keep(bed->matcher.sees(hit(0x0a090002, 443))); };
}

constexpr auto cases = std::to_array<Case>({
    {"matcher/not_a_knock/1000_doors", [] { return unseen(1000); }},
    {"matcher/three_hits/1_door", [] { return whole_knock(1, 0); }},
    {"matcher/three_hits/1000_doors", [] { return whole_knock(1000, 0); }},
    {"matcher/three_hits/20000_pending", [] { return whole_knock(1, 20000); }},
    {"matcher/three_hits/1000000_pending", [] { return whole_knock(1, 1000000); }},
});

}  // namespace

std::span<const Case> knockd_cases() { return cases; }

}  // namespace latchkey::bench
