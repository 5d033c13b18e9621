// SPDX-License-Identifier: GPL-2.0-or-later
// The replay cache: lines of the file, the set in memory, one million entries.
#include "fwknopd/replay_cache.h"

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>

#include "common/base/random.h"
#include "common/os/files.h"
#include "fwknopd/digest_store.h"
#include "t/lib/file_limit.h"
#include "t/lib/seed.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::string_view good_line =
    "ybbYzHw4QMLd3rAlifxSAIedifnchUyuU0NW02hC6Zs 17 127.0.0.1 37246 127.0.0.1 62201 1391317111";

ReplayEntry random_entry(SeededRng& rng) {
  ReplayEntry entry;
  EXPECT_TRUE(rng.fill(entry.digest));
  entry.protocol = 17;
  entry.source = rng.below(0xffffffff).value();
  entry.time_s = 1795216915;
  return entry;
}

TEST(ReplayLine, is_printed_as_it_was_read) {
  const ReplayLine line = parse_replay_line(good_line);
  ASSERT_EQ(line.kind, ReplayLine::Kind::entry);
  EXPECT_EQ(line.entry.protocol, 17);
  EXPECT_EQ(line.entry.source_port, 37246);
  EXPECT_EQ(line.entry.destination_port, 62201);
  EXPECT_EQ(line.entry.time_s, 1391317111);
  EXPECT_EQ(format_replay_line(line.entry), good_line);
}

TEST(ReplayLine, round_trips_random_entries) {
  SeededRng rng(test::seed());
  for (int i = 0; i < 1000; ++i) {
    const ReplayEntry entry = random_entry(rng);
    EXPECT_EQ(parse_replay_line(format_replay_line(entry)).entry, entry);
  }
}

/// A blank more leads past the short cut for lines of our own form; both ways must read the same.
TEST(ReplayLine, a_character_more_or_less_is_read_alike_with_and_without_the_short_cut) {
  const std::string good(good_line);
  for (std::size_t at = 0; at <= good.size(); ++at) {
    for (const std::string_view put : {"", "0", "9", ".", "-", "+", "=", " ", "A", "\t"}) {
      for (const std::size_t taken : {0U, 1U}) {
        if (at + taken > good.size()) continue;
        const std::string text = good.substr(0, at) + std::string(put) + good.substr(at + taken);
        const ReplayLine own = parse_replay_line(text);
        const ReplayLine general = parse_replay_line(" " + text);
        EXPECT_EQ(own.kind, general.kind) << text;
        EXPECT_EQ(own.entry, general.entry) << text;
      }
    }
  }
}

TEST(ReplayLine, kinds) {
  using Kind = ReplayLine::Kind;
  const std::string good(good_line);
  const std::pair<std::string, Kind> rows[] = {
      {std::string(replay_file_header), Kind::skipped},
      {"", Kind::skipped},
      {";x", Kind::skipped},
      {"\r", Kind::skipped},
      {"bad line", Kind::bad},
      {good + " extra", Kind::entry},
      {"  " + good, Kind::entry},
      {good.substr(0, good.rfind(' ')), Kind::bad},
      {"aRZS82JREWxL3Gp1H8uMwg 17 127.0.0.1 1 127.0.0.1 2 3", Kind::other_digest},
      {std::string(65, 'a') + " 17 127.0.0.1 1 127.0.0.1 2 3", Kind::bad},
      {"abc 17 127.0.0.300 1 127.0.0.1 2 3", Kind::bad},
      {"abc x 127.0.0.1 1 127.0.0.1 2 3", Kind::bad},
      {"abc 17 ::1 1 127.0.0.1 2 3", Kind::bad},
      {"abc 17 127.0.0.1 1 ::1 2 3", Kind::bad},
  };
  for (const auto& [text, kind] : rows) EXPECT_EQ(parse_replay_line(text).kind, kind) << text;
}

TEST(ReplayCache, knows_what_was_added_and_nothing_else) {
  SeededRng rng(test::seed());
  ReplayCache cache;
  std::vector<ReplayEntry> entries;
  EXPECT_EQ(cache.find(ReplayDigest{}), nullptr);
  for (int i = 0; i < 10000; ++i) {
    entries.push_back(random_entry(rng));
    EXPECT_TRUE(cache.add(entries.back()));
  }
  for (const ReplayEntry& entry : entries) {
    ASSERT_NE(cache.find(entry.digest), nullptr);
    EXPECT_EQ(*cache.find(entry.digest), entry);
    EXPECT_FALSE(cache.add(entry));
  }
  EXPECT_EQ(cache.size(), entries.size());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(cache.find(random_entry(rng).digest), nullptr);
}

TEST(ReplayCache, tells_digests_apart_that_begin_alike) {
  SeededRng rng(1);
  const ReplayEntry entry = random_entry(rng);
  ReplayEntry other = entry;
  other.digest.back() ^= std::byte{1};
  ReplayCache cache;
  EXPECT_TRUE(cache.add(entry));
  EXPECT_EQ(cache.find(other.digest), nullptr);
  EXPECT_TRUE(cache.add(other));
  EXPECT_EQ(cache.size(), 2U);
}

/// A folder that goes with the test.
class DigestFile : public testing::Test {
 protected:
  DigestFile() {
    std::string name = (std::filesystem::temp_directory_path() / "latchkey-replay.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    settings_.digest_file = path();
    log_.add(std::make_unique<log::MemorySink>(lines_));
  }
  ~DigestFile() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/digest.cache"; }
  std::string text() const { return os::read_file(path(), 1 << 20).value_or("unreadable"); }
  void write(std::string_view text) const { EXPECT_TRUE(os::replace_file_atomically(path(), text, 0600)); }

  std::string folder_;
  Settings settings_;
  std::vector<std::string> lines_;
  log::Logger log_{log::Level::debug};
};

TEST_F(DigestFile, is_made_with_its_header_and_continued) {
  SeededRng rng(1);
  const ReplayEntry entry = random_entry(rng);
  DigestStore store(log_);
  store.open(settings_, false);
  EXPECT_TRUE(store.remember(entry));
  EXPECT_EQ(text(), std::string(replay_file_header) + "\n" + format_replay_line(entry) + "\n");
  DigestStore next(log_);
  next.open(settings_, false);
  EXPECT_NE(next.cache().find(entry.digest), nullptr);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(DigestFile, a_torn_last_line_costs_that_line_only) {
  SeededRng rng(1);
  const ReplayEntry entry = random_entry(rng);
  write(std::string(replay_file_header) + "\n" + std::string(good_line) + "\nyzzYzHw4QMLd3rAl");
  DigestStore store(log_);
  store.open(settings_, false);
  EXPECT_EQ(store.cache().size(), 1U);
  EXPECT_TRUE(store.remember(entry));
  DigestStore next(log_);
  next.open(settings_, false);
  EXPECT_EQ(next.cache().size(), 2U);
}

TEST_F(DigestFile, that_others_can_read_is_told_of_and_used) {
  write(std::string(good_line) + "\n");
  std::filesystem::permissions(path(), std::filesystem::perms{0644});
  DigestStore store(log_);
  store.open(settings_, false);
  EXPECT_EQ(lines_, std::vector<std::string>{"[-] file: " + path() +
                                             " permissions should only be user read/write (0600, -rw-------)"});
  EXPECT_EQ(store.cache().size(), 1U);
}

TEST_F(DigestFile, entries_of_other_digests_match_no_packet) {
  write("aRZS82JREWxL3Gp1H8uMwg 17 127.0.0.1 1 127.0.0.1 2 3\n" + std::string(good_line) + "\n");
  DigestStore store(log_);
  store.open(settings_, false);
  EXPECT_EQ(store.cache().size(), 1U);
}

TEST_F(DigestFile, rotation_keeps_what_is_in_memory) {
  write(std::string(replay_file_header) + "\n" + std::string(good_line) + "\n");
  DigestStore store(log_);
  store.open(settings_, false);
  store.open(settings_, true);
  EXPECT_EQ(store.cache().size(), 1U);
  EXPECT_EQ(text(), std::string(replay_file_header) + "\n");
  EXPECT_TRUE(std::filesystem::exists(path() + "-old"));
  EXPECT_EQ(lines_, std::vector<std::string>{"Rotating digest cache file."});
}

TEST_F(DigestFile, that_cannot_be_made_leaves_the_cache_in_memory) {
  settings_.digest_file = folder_ + "/none/digest.cache";
  SeededRng rng(1);
  const ReplayEntry entry = random_entry(rng);
  DigestStore store(log_);
  store.open(settings_, false);
  EXPECT_EQ(lines_[0], "Could not create digest cache: " + settings_.digest_file + ": No such file or directory");
  EXPECT_EQ(lines_[1], "Error opening digest cache file. Incoming digests will not be remembered.");
  EXPECT_TRUE(store.remember(entry));
  EXPECT_NE(store.cache().find(entry.digest), nullptr);
}

TEST_F(DigestFile, a_full_disk_is_told_of_and_the_packet_still_counts) {
  SeededRng rng(1);
  const ReplayEntry entry = random_entry(rng);
  DigestStore store(log_);
  store.open(settings_, false);
  bool is_kept = true;
  test::with_file_limit(std::filesystem::file_size(path()), [&] { is_kept = store.remember(entry); });
  EXPECT_FALSE(is_kept) << "no access for a digest that is not on the disk";
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_NE(store.cache().find(entry.digest), nullptr);
  EXPECT_EQ(text(), std::string(replay_file_header) + "\n") << "no half line";
}

/// The measure of the specification: under half a second on one core. The bound here is for slow machines.
TEST_F(DigestFile, a_million_entries_are_loaded_at_once) {
  SeededRng rng(1);
  std::string text(replay_file_header);
  text += '\n';
  constexpr std::size_t count = 1000000;
  for (std::size_t i = 0; i < count; ++i) text += format_replay_line(random_entry(rng)) + "\n";
  write(text);
  DigestStore store(log_);
  const std::clock_t begin = std::clock();
  store.open(settings_, false);
  const double took_ms = 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_EQ(store.cache().size(), count);
  std::printf("1000000 entries in %.0f ms of CPU time\n", took_ms);
  EXPECT_LT(took_ms, 20000);
}

}  // namespace
}  // namespace latchkey::fwknopd
