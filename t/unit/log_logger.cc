// SPDX-License-Identifier: GPL-2.0-or-later
// Logger, escaping, cutting, rate limit, sinks.
#include "common/log/logger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "common/base/fd.h"

namespace latchkey::log {
namespace {

using namespace std::chrono_literals;

struct Lines {
  std::vector<std::string> lines;
  Logger log;
  explicit Lines(Level threshold = Level::info) : log(threshold) { log.add(std::make_unique<MemorySink>(lines)); }
};

TEST(Escape, writes_control_bytes_as_hex_and_keeps_the_rest) {
  EXPECT_EQ(escape_controls(std::string_view("a\0b\nc\x1b\x7f", 7)), "a\\x00b\\x0ac\\x1b\\x7f");
  EXPECT_EQ(escape_controls("d\xc3\xbc\\n ~"), "d\xc3\xbc\\n ~");
  EXPECT_EQ(escape_controls(escape_controls("\t")), "\\x09");
  EXPECT_EQ(escape_controls(""), "");
}

TEST(Cut, never_splits_a_character) {
  const std::string text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91z";  // 1, 2, 3, 4, 1 bytes
  const std::size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t limit = 0; limit < std::size(kept); ++limit)
    EXPECT_EQ(cut_utf8(text, limit).size(), kept[limit]) << limit;
  EXPECT_EQ(cut_utf8(std::string(20, '\xbf'), 10).size(), 10u) << "not UTF-8: cut where the limit is";
  EXPECT_EQ(cut_utf8("\xbf\xbf\xbf", 2).size(), 2u);
}

TEST(Logger, writes_levels_up_to_its_threshold) {
  Lines out(Level::notice);
  out.log.error("e {}", 1);
  out.log.warning("w");
  out.log.notice("n");
  out.log.info("i");
  out.log.debug("d");
  EXPECT_EQ(out.lines, (std::vector<std::string>{"e 1", "w", "n"}));
  EXPECT_FALSE(out.log.shows(Level::info));
}

TEST(Logger, escapes_arguments_but_not_the_format) {
  Lines out;
  const std::string user = "eve\nroot: access granted";
  out.log.info("a\tb\n - {} {:>3}|{:<4}|", user, 7, "x");
  EXPECT_EQ(out.lines.at(0), "a\tb\n - eve\\x0aroot: access granted   7|x   |");
}

TEST(Logger, cuts_between_characters) {
  Lines out;
  out.log.set_max_bytes(4);
  out.log.info("abc\xc3\xbc");
  EXPECT_EQ(out.lines.at(0), "abc");
}

TEST(RateLimit, tells_how_many_were_suppressed) {
  Lines out;
  RateLimit limit(2, 10s);
  MonotonicTime now(1s);
  for (int i = 0; i < 5; ++i) out.log.limited(limit, now, Level::info, "packet {}", i);
  now += 9s;
  out.log.limited(limit, now, Level::info, "packet 5");
  now += 1s;
  out.log.limited(limit, now, Level::info, "packet 6");
  EXPECT_EQ(out.lines, (std::vector<std::string>{"packet 0", "packet 1", "4 more suppressed", "packet 6"}));
  EXPECT_EQ(limit.take_suppressed(), 0u);
}

TEST(FileSink, appends_lines_with_local_time) {
  char folder[] = "/tmp/latchkey-log-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/log";
  ManualClock clock(from_epoch_seconds(1700000000));  // 2023-11-14 22:13:20 UTC
  setenv("TZ", "UTC", 1);
  for (const char* text : {"one", "two"}) {
    auto sink = FileSink::open(path, clock);
    ASSERT_TRUE(sink);
    (*sink)->write(Level::info, text);
  }
  Fd fd(open(path.c_str(), O_RDONLY));
  EXPECT_EQ(*read_all(fd.get(), 1000), "[2023-11-14 22:13] one\n[2023-11-14 22:13] two\n");
  unlink(path.c_str());
  rmdir(folder);
  const auto missing = FileSink::open(path, clock);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().os_code, ENOENT);
}

TEST(StreamSink, writes_held_lines_together_and_none_late) {
  std::array<int, 2> ends{};
  // A packet pipe keeps the writes apart.
  ASSERT_EQ(pipe2(ends.data(), O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const auto next_write = [&] {
    std::string text(10000, '\0');
    const auto got = read(reader.get(), text.data(), text.size());
    return got < 0 ? std::string("nothing") : text.substr(0, static_cast<std::size_t>(got));
  };
  StreamSink sink(writer.get());
  sink.write(Level::info, "one");
  EXPECT_EQ(next_write(), "one\n");
  sink.hold(true);
  sink.write(Level::info, "two");
  sink.write(Level::info, "three");
  EXPECT_EQ(next_write(), "nothing");
  sink.hold(false);
  EXPECT_EQ(next_write(), "two\nthree\n");
  sink.hold(true);
  const std::string half(PIPE_BUF / 2, 'x');
  sink.write(Level::info, half);
  sink.write(Level::info, half);
  EXPECT_EQ(next_write(), half + '\n') << "no more than a pipe takes whole";
  sink.hold(false);
  EXPECT_EQ(next_write(), half + '\n');
}

TEST(StreamSink, survives_a_full_or_closed_stream) {
  Fd full(open("/dev/full", O_WRONLY));
  StreamSink(full.get()).write(Level::info, "lost");
  StreamSink(-1).write(Level::info, "lost");
}

}  // namespace
}  // namespace latchkey::log
