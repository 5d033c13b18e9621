// SPDX-License-Identifier: GPL-2.0-or-later
// Values of knockd.conf: how they reach the doors, what is cut, what is forgiven (spec/knockd.md 2.3 and 2.6).
#include <gtest/gtest.h>

#include "knockd/configuration.h"
#include "knockd/sequence.h"
#include "t/lib/scratch_folder.h"

namespace latchkey::knockd {
namespace {

TEST(KnockdConfigValues, reach_the_doors) {
  test::ScratchFolder folder;
  const auto path =
      folder.write("c",
                   "[options]\nUseSyslog\nlogfile = /l\npidfile=/p\ninterface=i0\n[A b]\nsequence=1,2:udp\n"
                   "seq_timeout=3\ncmd_timeout=4\ntcpflags=syn,!ack\ntarget=FD00:0:0::5\ncommand=c \"x\" ; y\n"
                   "stop_command_6=s\nseq_cooldown=7\nallowduplicates=yes\n");
  const auto config = read_config(path, {}).config.value();
  EXPECT_TRUE(config.uses_syslog);
  EXPECT_EQ(config.log_file, "/l");
  EXPECT_EQ(config.pid_file, "/p");
  EXPECT_EQ(config.interface, "i0");
  ASSERT_EQ(config.doors.size(), 1U);
  const Door& door = config.doors[0];
  EXPECT_EQ(door.name, "A b");
  EXPECT_EQ(format_sequence(door.lock.sequence), "1:tcp,2:udp");
  EXPECT_EQ(door.lock.flags, (TcpFlags{0x02, 0x10}));
  EXPECT_EQ(net::format_ip_address(door.lock.target.value()), "fd00::5");
  EXPECT_EQ(door.lock.seq_timeout_s, 3);
  EXPECT_EQ(door.lock.seq_cooldown_s, 7);
  EXPECT_TRUE(door.lock.allows_duplicates);
  EXPECT_EQ(door.cmd_timeout_s, 4);
  EXPECT_EQ(door.commands_for(true).start, "c \"x\" ; y");
  EXPECT_EQ(door.commands_for(true).stop, "s");
  EXPECT_EQ(door.commands_for(false).stop, std::nullopt);
}

TEST(KnockdConfigValues, of_an_interface_are_cut_and_the_first_counts) {
  test::ScratchFolder folder;
  const auto path = folder.write("c", "[options]\ninterface=\ninterface=" + std::string(40, 'x') + "\ninterface=y\n");
  const auto reading = read_config(path, {});
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(reading.config->interface, std::string(31, 'x'));
  EXPECT_EQ(reading.notes[2].text, "config: interface: " + std::string(31, 'x'));
  EXPECT_EQ(reading.notes[3].kind, Note::Kind::warning);
  EXPECT_EQ(reading.notes.size(), 4U) << "the last line is not told of";
  EXPECT_FALSE(read_config(path, {.has_interface = true}).config->interface) << "-i comes first";
}

TEST(KnockdConfigValues, that_are_relative_paths_are_warned_of_in_a_daemon) {
  test::ScratchFolder folder;
  const auto path = folder.write("c", "[options]\nlogfile=l\npidfile=p\nlogfile=/l\n");
  for (const bool becomes_daemon : {false, true}) {
    const auto notes = read_config(path, {.becomes_daemon = becomes_daemon, .wants_debug = false}).notes;
    EXPECT_EQ(notes.size(), becomes_daemon ? 2U : 0U);
    for (const Note& note : notes) EXPECT_EQ(note.kind, Note::Kind::warning);
  }
}

TEST(KnockdConfigValues, that_are_none_are_forgiven_by_a_later_line) {
  test::ScratchFolder folder;
  const auto reading = read_config(
      folder.write(
          "c",
          "[d]\nsequence=\nseq_timeout=-1\ntarget=x\nsequence=1,2\ntimeout=7\ntarget=1.2.3.4\n[e]\nsequence=1\n"
          "cmd_timeout=x\nseq_timeout=5\n"),
      {.wants_debug = false});
  ASSERT_TRUE(reading.config);
  ASSERT_EQ(reading.config->doors.size(), 1U) << "0.8 starts with the last values: nobody may be locked out";
  EXPECT_EQ(reading.config->doors[0].lock.seq_timeout_s, 7);
  ASSERT_EQ(reading.notes.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(reading.notes[i].kind, Note::Kind::warning) << i;
    EXPECT_NE(reading.notes[i].text.find("a later line counts ("), std::string::npos) << reading.notes[i].text;
  }
  EXPECT_EQ(reading.notes[3].kind, Note::Kind::disabled);
}

TEST(KnockdConfigValues, are_names_of_doors_up_to_a_length) {
  test::ScratchFolder folder;
  const std::string umlauts = "a" + std::string(253, 'b') + "\u00fc";
  const auto reading = read_config(folder.write("c", "[" + umlauts + "]\nsequence=1\n"), {});
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(reading.notes[0].text, "config: new section: 'a" + std::string(253, 'b') + "'");
  EXPECT_EQ(reading.config->doors[0].name, "a" + std::string(126, 'b'));
  EXPECT_EQ(reading.notes[1].kind, Note::Kind::warning);
}

}  // namespace
}  // namespace latchkey::knockd
