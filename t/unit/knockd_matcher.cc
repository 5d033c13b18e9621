// SPDX-License-Identifier: GPL-2.0-or-later
// The matcher against the cases of spec/knockd.md 10.2 (column "required") and what goes beyond knockd 0.8.
#include "knockd/matcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "common/base/result.h"
#include "common/base/text.h"
#include "common/net/packet.h"
#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

struct Case {
  std::string_view name;
  std::string_view doors;    ///< "A=7000,8000:udp syn,!ack to=5 target=10.5.5.5; B=..."
  std::string_view packets;  ///< "7000 8000u 9000/syn,ack@11>2 =5.0 ..."
  std::string_view result;   ///< "A1 A2 A! rs A:to1 rf@11 ig(SYN)"
  bool is_v4_only = false;
};

constexpr auto cases = std::to_array<Case>({
    {"M001", "A=7000,8000,9000 syn", "7000 8000 9000", "A1 A2 A3 A!"},
    {"M002", "A=7000,8000,9000 syn", "7000@6 8000@6 9000@6", "A1@6 A2@6 A3@6 A!@6"},
    {"M003", "A=7000,8000,9000 syn", "7000 1234 8000 9000", "A1 A2 A3 A!"},
    {"M004", "A=7000,8000,9000 syn", "7000 9000 8000 9000", "A1 rf"},
    {"M005", "A=7000,8000,9000 syn", "7000 7000 8000 9000", "A1 rf"},
    {"M006", "A=7000,8000,9000 syn", "7000 7000 7000 8000 9000", "A1 rf A1 A2 A3 A!"},
    {"M007", "A=7000,8000,9000 syn", "7000 8000 8000 9000", "A1 A2 rf"},
    {"M008", "A=7000,8000,9000 syn", "7000 8000 7000 7000 8000 9000", "A1 A2 rf A1 A2 A3 A!"},
    {"M009", "A=7000,8000,9000 syn", "7000 8000/ack 7000/ack 8000 9000", "A1 A2 A3 A!"},
    {"M010", "A=7000,8000,9000 syn", "7000/syn,ack 8000/syn,fin 9000/syn,urg", "A1 A2 A3 A!"},
    {"M011", "A=7000,8000 syn,!ack", "7000/syn,ack 7000 8000/syn,ack 8000", "A1 A2 A!"},
    {"M012", "N=7000,8000,9000", "7000/ack 8000/rst 9000/fin,psh", "N1 N2 N3 N!"},
    {"M013", "N=7000,8000,9000", "7000 7000/rst 8000 9000", "N1 rf"},
    {"M014", "A=7000,8000,9000 syn", "7000 8000u 8000 9000", "A1 A2 A3 A!"},
    {"M015", "M=7000:tcp,8000:udp,9000 syn", "7000 8000u 9000", "M1 M2 M3 M!"},
    {"M016", "M=7000:tcp,8000:udp,9000 syn", "7000 8000 8000u 9000", "M1 M2 M3 M!"},
    {"M017", "A=7000:udp,8000:udp syn", "7000u 8000u", "A1 A2 A!"},
    {"M018", "A=7000,8000:udp,9000:udp syn", "7000 9000u 8000u 9000u", "A1 rf"},
    {"M019", "A=7000:udp,7000:tcp syn", "7000u 7000", "A1 A2 A!"},
    {"M020", "A=7000:udp,7000:tcp syn", "7000 7000u 7000u 7000", "A1 rf"},
    {"M021", "A=7000,8000,9000 syn; B=9000,8000,7000 syn", "7000 9000 8000 7000", "A1 rf A1"},
    {"M022", "A=7000,8000,9000 syn; B=9000,8000,7000 syn", "7000 9000 9000 8000 7000", "A1 rf B1 B2 B3 B!"},
    {"M023", "A=7000,8000 syn; B=6000,6001 syn", "7000 6001 8000", "A1 rf"},
    {"M024", "A=7000,8000 syn; B=6000,6001 syn", "7000 6000 6000 6001", "A1 rf B1 B2 B!"},
    {"M025", "A=7000,8000 syn; B=6000:udp,8000:udp", "7000 8000u 8000", "A1 rf"},
    {"M026", "A=7000,8000; B=6000 syn", "7000 6000/ack 8000", "A1 A2 A!"},
    {"M027", "A=7000,8000; B=6000", "7000 6000/ack 8000", "A1 rf"},
    {"M028", "P=7000,8000 syn; Q=7000,8000,9000 syn", "7000 8000 9000", "P1 Q1 P2 P! Q2 rs Q3 Q!"},
    {"M029", "Q=7000,8000,9000 syn; P=7000,8000 syn", "7000 8000 9000", "Q1 P1 Q2 P2 P! rs Q3 Q!"},
    {"M030", "Q=7000,8000,9000 syn; P=7000,8000 syn", "7000 8000 7000 9000", "Q1 P1 Q2 P2 P! rs rf"},
    {"M031", "P=7000,8000 syn; Q=7000,8100 syn", "7000 8100", "P1 Q1 Q2 Q!"},
    {"M032", "P=7000,8000 syn; Q=7000,8100 syn", "7000 8000 8100", "P1 Q1 P2 P! rs rf"},
    {"M033", "A=7000,1 syn; B=7000,2 syn; C=7000,3,4 syn", "7000 3 4", "A1 B1 C1 C2 rf rf C3 C!"},
    {"M034", "S=7000 syn", "7000 7000 7000", "S1 S! rs S1 S! rs S1 S!"},
    {"M035", "S=7000 syn; T=7000,8000 syn", "7000 8000", "S1 S! T1 rs T2 T!"},
    {"M036", "T=7000,8000 syn; S=7000 syn", "7000 8000", "T1 S1 S! rs T2 T!"},
    {"M037", "R=7000,7000,7000 syn", "7000 7000 7000 7000", "R1 R2 R3 R! rs R1"},
    {"M038", "A=7000,8000,9000 syn to=5", "=0.9 7000 =4.95 8000 =5.0 9000", "A1 A2 A:to2"},
    {"M039", "A=7000,8000,9000 syn to=5", "=0.0 7000 =4.5 8000 =4.99 9000", "A1 A2 A3 A!"},
    {"M040", "A=7000,8000,9000 syn to=3", "=0 7000 =2 8000 =3 9000", "A1 A2 A:to2"},
    {"M041", "A=7000,8000 syn to=1", "=0.99 7000 =1.0 8000", "A1 A:to1"},
    {"M042", "A=7000,8000,9000 syn to=5", "=0 7000 =9 9000@11", "A1 A:to1"},
    {"M043", "A=7000,8000,9000 syn to=5", "=0 7000 =9 7000 8000 9000", "A1 A:to1 A1 A2 A3 A!"},
    {"M044", "A=7000,8000 syn to=0", "7000 8000", "A1 A:to1"},
    {"M045", "A=7000 syn to=0", "7000 7000", "A1 A! rs A1 A!"},
    {"M047", "A=7000,8000 syn", "=0 7000 =24.9 8000", "A1 A2 A!"},
    {"M048", "A=7000,8000 syn", "=0 7000 =25.0 8000", "A1 A:to1"},
    {"M049", "A=7000,8000,9000 syn to=5", "=100 7000 =50 8000 =60 9000", "A1 A2 A3 A!"},
    {"M050", "A=7000,8000,9000 syn to=2", "=0 7000 9000 =9 9000", "A1 rf"},
    {"M051", "A=7000,8000,9000 syn", "7000 8000 9000 =31 7000@11", "A1 A2 A3 A! rs A1@11"},
    {"M052", "A=7000,8000,9000 syn", "7000 7000@11 8000 8000@11 9000 9000@11",
     "A1 A1@11 A2 A2@11 A3 A! rs A3@11 A!@11"},
    {"M053", "A=7000,8000,9000 syn", "7000 7000@11 9000 8000@11 9000@11", "A1 A1@11 rf A2@11 A3@11 A!@11"},
    {"M054", "A=7000,8000,9000 syn", "7000 7000@11 8000@11 9000@11 8000 9000",
     "A1 A1@11 A2@11 A3@11 A!@11 rs@11 A2 A3 A!"},
    {"M055", "A=7000,8000,9000 syn", "7000 7000@11 9000@11 8000 9000", "A1 A1@11 rf@11 A2 A3 A!"},
    {"M056", "A=7000,8000,9000 syn to=5", "=0 7000 =3 7000@11 =6 8000@11 9000@11", "A1 A1@11 A:to1 A2@11 A3@11 A!@11"},
    {"M057", "A=7000,8000 syn", "7000 8000@11 8000", "A1 A2 A!"},
    {"M058", "A=7000,8000 syn", "7000@6 7000 8000@6", "A1@6 A1 A2@6 A!@6"},
    {"M059", "A=7000,8000,9000 syn", "7000>1 8000>2 9000>1", "A1 A2 A3 A!"},
    {"M060", "A=7000,8000,9000 syn", "7000>x 8000>x 9000>x", ""},
    {"M061", "A=7000,8000 syn target=10.9.0.2", "7000>1 7000>2 8000>1 8000>2", "A1 A2 A!"},
    {"M062", "A=7000,8000 syn; B=7000,8000 syn target=10.5.5.5", "7000 7000>t 8000 8000>t", "A1 B1 A2 A! rs B2 B!"},
    {"M063", "A=7000,8000 syn; B=7000,8000 ack", "7000 7000/ack 8000/ack 8000", "A1 ig(ACK) ig(SYN) ig(SYN) A2 A!"},
    {"M064", "A=7000,8000 syn; B=7000,8000 ack", "7000/syn,ack 8000/syn,ack", "A1 B1 A2 A! B2 B!"},
    {"M065", "d=7000 syn; d=7000 syn", "7000", "d1 d! d1 d!"},
    {"M066", "A=7000,8000 syn", "7000@6 8000@6 7000 8000", "A1 A2 A!", true},
});

net::IpAddress address(std::string_view text) { return net::parse_ip_address(text).value(); }

struct NamedDoor {
  std::string name;
  Lock lock;
};

NamedDoor parse_door(std::string_view text) {
  NamedDoor door;
  for (const std::string_view word : split(strip(text), ' ')) {
    const std::size_t equals = word.find('=');
    const std::string_view key = word.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
    if (door.name.empty()) {
      door.name = key;
      door.lock.sequence = parse_sequence(value).value;
    } else if (key == "to") {
      door.lock.seq_timeout_s = parse_timeout(value).value;
    } else if (key == "target") {
      door.lock.target = address(value);
    } else {
      for (const std::string_view flag : split(word, ',')) EXPECT_TRUE(add_tcp_flag(to_upper(flag), door.lock.flags));
    }
  }
  return door;
}

net::IpAddress source_of(std::string_view text) {
  return text == "6" ? address("fd00:9::10") : address(fmt::format("10.9.0.{}", text));
}

net::IpAddress destination_of(std::string_view text) {
  if (text == "t") return address("10.5.5.5");
  return address(fmt::format("10.9.0.{}", text == "x" ? "77" : text));
}

/// PORT[u][/flags][@source][>destination]
Knock parse_knock(std::string_view text) {
  Knock knock{source_of("10"), destination_of("1"), {}, net::tcp_flag::syn};
  if (const std::size_t mark = text.find('>'); mark != std::string_view::npos) {
    knock.destination = destination_of(text.substr(mark + 1));
    text = text.substr(0, mark);
  }
  if (const std::size_t mark = text.find('@'); mark != std::string_view::npos) {
    knock.source = source_of(text.substr(mark + 1));
    if (knock.source.is_v6()) knock.destination = address("fd00:9::1");
    text = text.substr(0, mark);
  }
  if (const std::size_t mark = text.find('/'); mark != std::string_view::npos) {
    TcpFlags flags;
    for (const std::string_view flag : split(text.substr(mark + 1), ','))
      EXPECT_TRUE(add_tcp_flag(to_upper(flag), flags));
    knock.tcp_flags = flags.set;
    text = text.substr(0, mark);
  }
  if (text.ends_with('u')) {
    knock.hit.protocol = net::IpProtocol::udp;
    text.remove_suffix(1);
  }
  knock.hit.port = parse_number<std::uint16_t>(text).value();
  return knock;
}

/// Doors, a matcher, a clock in tenths of a second, and the reports as tokens.
class Bench {
 public:
  explicit Bench(std::string_view doors, MatcherOptions options = {.reports_flags = true}, bool is_v4_only = false)
      : doors_(parse(doors)), matcher(locks(), options) {
    std::vector<net::IpAddress> local{address("10.9.0.1"), address("10.9.0.2")};
    if (!is_v4_only) local.push_back(address("fd00:9::1"));
    matcher.set_local_addresses(local);
  }

  std::string send(std::string_view packets) {
    std::string result;
    for (const std::string_view word : split(packets, ' ')) {
      if (word.starts_with('=')) {
        tenths_ = std::lround(std::stod(std::string(word.substr(1))) * 100);
        continue;
      }
      const Knock knock = parse_knock(word);
      reports_.clear();
      if (matcher.sees(knock)) matcher.handle(knock, tenths_ / 100, reports_);
      result += tell();
      tenths_ += 10;
    }
    return std::string(strip(result));
  }

  std::string expire(Seconds now) {
    reports_.clear();
    matcher.expire(now, reports_);
    return std::string(strip(tell()));
  }

 private:
  static std::vector<NamedDoor> parse(std::string_view text) {
    std::vector<NamedDoor> doors;
    for (const std::string_view door : split(text, ';')) doors.push_back(parse_door(door));
    return doors;
  }
  std::vector<Lock> locks() const {
    std::vector<Lock> all;
    for (const NamedDoor& door : doors_) all.push_back(door.lock);
    return all;
  }
  static std::string suffix(const net::IpAddress& source) {
    const std::string text = net::format_ip_address(source);
    if (source.is_v6()) return "@6";
    return text == "10.9.0.10" ? "" : "@" + text.substr(text.rfind('.') + 1);
  }
  std::string tell() {
    std::string text;
    for (const Report& report : reports_) {
      text += ' ';
      text += std::visit(
          Overloaded{
              [&](const StageReached& r) { return doors_[r.door].name + std::to_string(r.stage) + suffix(r.source); },
              [&](const Opened& r) { return doors_[r.door].name + "!" + suffix(r.source); },
              [&](const TimedOut& r) {
                return fmt::format("{}:to{}{}", doors_[r.door].name, r.stage, suffix(r.source));
              },
              [&](const Removed& r) { return (r.was_successful ? "rs" : "rf") + suffix(r.source); },
              [&](const FlagUnmet& r) {
                for (const FlagName& flag : flag_names())
                  if (flag.bit == r.bit) return fmt::format("ig({}{})", r.must_be_set ? "" : "!", flag.name);
                return std::string("?");
              },
              [&](const Evicted& r) { return "evicted" + suffix(r.source); },
          },
          report);
    }
    return text;
  }

  std::vector<NamedDoor> doors_;
  Reports reports_;
  long tenths_ = 0;

 public:
  Matcher matcher;
};

class KnockdMatcher : public testing::TestWithParam<Case> {};

TEST_P(KnockdMatcher, reports_what_the_specification_wants) {
  Bench bench(GetParam().doors, {.reports_flags = true}, GetParam().is_v4_only);
  EXPECT_EQ(bench.send(GetParam().packets), GetParam().result);
}

TEST_P(KnockdMatcher, opens_the_same_without_debug_reports) {
  Bench loud(GetParam().doors, {.reports_flags = true}, GetParam().is_v4_only);
  Bench quiet(GetParam().doors, {}, GetParam().is_v4_only);
  const std::string told = loud.send(GetParam().packets);
  std::string without_flags;
  for (const std::string_view token : split(told, ' '))
    if (!token.starts_with("ig(")) without_flags += (without_flags.empty() ? "" : " ") + std::string(token);
  EXPECT_EQ(quiet.send(GetParam().packets), without_flags);
}

INSTANTIATE_TEST_SUITE_P(Specification, KnockdMatcher, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& row) { return std::string(row.param.name); });

TEST(KnockdMatcherFlags, are_told_for_every_door_before_its_first_port) {
  EXPECT_EQ(Bench("A=7000,8000; B=6000 syn").send("7000/ack"), "A1 ig(SYN)");
  EXPECT_EQ(Bench("B=6000 syn; A=7000,8000").send("7000/ack"), "ig(SYN) A1");
  EXPECT_EQ(Bench("A=7000,8000; B=6000 !ack").send("7000/ack"), "A1 ig(!ACK)");
}

TEST(KnockdMatcherTimer, ends_attempts_without_a_packet) {
  Bench bench("A=7000,8000 syn to=5; B=7000,8000 syn to=3");
  EXPECT_EQ(bench.send("7000 7000@11"), "A1 B1 A1@11 B1@11");
  EXPECT_EQ(bench.matcher.next_expiry(), 3);
  EXPECT_EQ(bench.expire(2), "");
  EXPECT_EQ(bench.expire(3), "B:to1 B:to1@11");
  EXPECT_EQ(bench.expire(9), "A:to1 A:to1@11");
  EXPECT_EQ(bench.matcher.next_expiry(), std::nullopt);
  EXPECT_EQ(bench.matcher.attempts(), 0U);
}

TEST(KnockdMatcherTimer, leaves_removal_lines_to_the_next_packet) {
  Bench bench("A=7000 syn");
  EXPECT_EQ(bench.send("7000"), "A1 A!");
  EXPECT_EQ(bench.expire(100), "");
  EXPECT_EQ(bench.send("7000@11"), "rs A1@11 A!@11");
}

TEST(KnockdMatcherCap, drops_the_oldest_attempt) {
  Bench bench("A=7000,8000 syn", {.max_attempts = 2});
  EXPECT_EQ(bench.send("7000@1 7000@2 7000@3"), "A1@1 A1@2 evicted@1 A1@3");
  EXPECT_EQ(bench.send("8000@1 8000@2 8000@3"), "A2@2 A!@2 rs@2 A2@3 A!@3");
  EXPECT_EQ(bench.matcher.attempts(), 0U);
}

TEST(KnockdMatcherOneTime, next_sequence_starts_from_nothing) {
  Bench bench("A=7000,8000 syn; B=7000,9000 syn");
  EXPECT_EQ(bench.send("7000"), "A1 B1");
  bench.matcher.set_sequence(0, parse_sequence("5000,8000").value);
  EXPECT_EQ(bench.send("9000"), "B2 B!");
  EXPECT_EQ(bench.send("8000 5000 8000"), "rs A1 A2 A!");
}

TEST(KnockdMatcherOneTime, a_disabled_door_sees_nothing) {
  Bench bench("A=7000 syn; B=7000,9000 syn");
  bench.matcher.disable(0);
  EXPECT_FALSE(bench.matcher.is_enabled(0));
  EXPECT_EQ(bench.send("7000 9000"), "B1 B2 B!");
}

TEST(KnockdMatcherReload, attempts_at_unchanged_doors_go_on) {
  Bench bench("A=7000,8000 syn; B=7000,9000 syn");
  EXPECT_EQ(bench.send("7000"), "A1 B1");
  Lock changed = bench.matcher.doors()[0];
  changed.seq_timeout_s = 3;
  // B becomes the first door; A has changed.
  bench.matcher.replace_doors({bench.matcher.doors()[1], changed}, {DoorIndex{1}, DoorIndex{0}});
  EXPECT_EQ(bench.send("9000"), "A2 A!") << "the names of the test still follow the old order";
}

TEST(KnockdMatcherDuplicates, do_no_harm_where_allowed) {
  Bench bench("A=7000,8000,9000 syn");
  Lock door = bench.matcher.doors()[0];
  door.allows_duplicates = true;
  bench.matcher.replace_doors({door}, {std::nullopt});
  EXPECT_EQ(bench.send("7000 7000 8000 8000 8000 9000"), "A1 A2 A3 A!");
  EXPECT_EQ(bench.send("7000 8000 7000"), "rs A1 A2");
}

TEST(KnockdMatcherCooldown, ignores_a_source_that_has_just_opened) {
  Bench bench("A=7000 syn; B=6000 syn");
  Lock door = bench.matcher.doors()[0];
  door.seq_cooldown_s = 5;
  bench.matcher.replace_doors({door, bench.matcher.doors()[1]}, {std::nullopt, DoorIndex{1}});
  EXPECT_EQ(bench.send("=0 7000 =1 7000 =2 7000@11 6000 =4.99 7000 =5 7000"),
            "A1 A! rs A1@11 A!@11 rs@11 B1 B! rs A1 A!");
}

TEST(KnockdMatcherCooldown, outlives_a_reload_at_an_unchanged_door) {
  Bench bench("A=7000 syn; B=6000 syn");
  Lock door = bench.matcher.doors()[0];
  door.seq_cooldown_s = 5;
  const Lock other = bench.matcher.doors()[1];
  bench.matcher.replace_doors({door, other}, {std::nullopt, std::nullopt});
  EXPECT_EQ(bench.send("=0 7000"), "A1 A!");
  bench.matcher.replace_doors({other, door}, {DoorIndex{1}, DoorIndex{0}});
  EXPECT_EQ(bench.send("=1 7000"), "rs");
  door.seq_timeout_s += 1;
  bench.matcher.replace_doors({other, door}, {DoorIndex{0}, DoorIndex{1}});
  EXPECT_EQ(bench.send("=2 7000"), "B1 B!") << "another door, whatever the monitor says that it continues";
}

TEST(KnockdMatcherCooldown, of_those_that_are_over_makes_room_first) {
  Bench bench("A=7000 syn", {.max_cooldowns = 2});
  Lock door = bench.matcher.doors()[0];
  door.seq_cooldown_s = 5;
  bench.matcher.replace_doors({door}, {std::nullopt});
  EXPECT_EQ(bench.send("=0 7000@8 =6 7000@3 7000@4"), "A1@8 A!@8 rs@8 A1@3 A!@3 rs@3 A1@4 A!@4");
  EXPECT_EQ(bench.send("=7 7000@3 7000@4"), "rs@4") << "both still rest";
  EXPECT_EQ(bench.send("=8 7000@5"), "A1@5 A!@5");
  EXPECT_EQ(bench.send("=9 7000@3"), "rs@5 A1@3 A!@3") << "the table was full of those that rest";
}

// Attempts of thousands of sources come and go; nothing is left behind.
TEST(KnockdMatcherTable, is_empty_after_a_flood) {
  Bench bench("A=7000,8000,9000 syn to=5", {.max_attempts = 1000});
  Reports reports;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const Knock knock{net::IpAddress::v4(0x0b000000 + i), address("10.9.0.1"), {net::IpProtocol::tcp, 7000}, 2};
    bench.matcher.handle(knock, i / 1000, reports);
  }
  EXPECT_EQ(bench.matcher.attempts(), 1000U);
  bench.matcher.expire(100, reports);
  EXPECT_EQ(bench.matcher.attempts(), 0U);
  EXPECT_EQ(bench.matcher.next_expiry(), std::nullopt);
}

}  // namespace
}  // namespace latchkey::knockd
