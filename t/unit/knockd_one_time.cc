// SPDX-License-Identifier: GPL-2.0-or-later
// One-time files that are edited while a daemon has them open: a sequence opens once, whatever editors do.
#include "knockd/one_time.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/os/files.h"
#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

class OneTimeFileInUse : public testing::Test {
 protected:
  OneTimeFileInUse() {
    std::string pattern = testing::TempDir() + "knockd_one_time.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    write("S", "7000,7001\n8000\n");
    file_ = OneTimeFile::open(path("S")).value();
    line_ = file_->scan().value().first.value();
  }
  ~OneTimeFileInUse() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const { return os::read_file(path(name), 1000).value(); }
  bool is_marked() { return file_->mark_used(line_).ok(); }

  std::string folder_;
  std::optional<OneTimeFile> file_;
  OneTimeLine line_;
};

TEST_F(OneTimeFileInUse, finds_a_line_that_has_moved) {
  write("S", "# a remark\n7000,7001\n8000\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(read("S"), "# a remark\n#000,7001\n8000\n");
}

TEST_F(OneTimeFileInUse, finds_its_line_behind_a_new_one) {
  write("S", "6000\n7000,7001\n8000\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(read("S"), "6000\n#000,7001\n8000\n");
}

TEST_F(OneTimeFileInUse, finds_its_line_in_other_words) {
  write("S", "7000:tcp , 7001\r\n8000\r\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(read("S"), "#000:tcp , 7001\r\n8000\r\n");
}

TEST_F(OneTimeFileInUse, is_the_one_that_has_the_name_now) {
  write("S.new", "# a remark\n7000,7001\n9000\n");
  std::filesystem::rename(path("S.new"), path("S"));
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(read("S"), "# a remark\n#000,7001\n9000\n") << "else it opens again after a restart";
  EXPECT_EQ(format_sequence(file_->scan().value().first->sequence), "9000:tcp");
}

TEST_F(OneTimeFileInUse, is_the_open_one_where_the_name_is_gone) {
  std::filesystem::remove(path("S"));
  EXPECT_TRUE(is_marked());
  EXPECT_EQ(format_sequence(file_->scan().value().first->sequence), "8000:tcp");
}

TEST_F(OneTimeFileInUse, opens_by_no_line_that_is_gone) {
  write("S", "9000\n");
  EXPECT_FALSE(is_marked());
  EXPECT_EQ(read("S"), "9000\n");
}

}  // namespace
}  // namespace latchkey::knockd
