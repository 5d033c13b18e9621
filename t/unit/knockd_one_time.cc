// SPDX-License-Identifier: GPL-2.0-or-later
// One-time files that are edited while a daemon has them open: a sequence opens once, whatever editors do.
#include "knockd/one_time.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "knockd/sequence.h"
#include "t/lib/scratch_folder.h"

namespace latchkey::knockd {
namespace {

class OneTimeFileInUse : public testing::Test {
 protected:
  OneTimeFileInUse() {
    folder_.write("S", "7000,7001\n8000\n");
    file_ = OneTimeFile::open(folder_.path("S")).value();
    line_ = file_->scan().value().first.value();
  }
  bool is_marked() { return file_->mark_used(line_).ok(); }

  test::ScratchFolder folder_;
  std::optional<OneTimeFile> file_;
  OneTimeLine line_;
};

TEST_F(OneTimeFileInUse, finds_a_line_that_has_moved) {
  folder_.write("S", "# a remark\n7000,7001\n8000\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(folder_.read("S"), "# a remark\n#000,7001\n8000\n");
}

TEST_F(OneTimeFileInUse, finds_its_line_behind_a_new_one) {
  folder_.write("S", "6000\n7000,7001\n8000\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(folder_.read("S"), "6000\n#000,7001\n8000\n");
}

TEST_F(OneTimeFileInUse, finds_its_line_in_other_words) {
  folder_.write("S", "7000:tcp , 7001\r\n8000\r\n");
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(folder_.read("S"), "#000:tcp , 7001\r\n8000\r\n");
}

TEST_F(OneTimeFileInUse, is_the_one_that_has_the_name_now) {
  folder_.write("S.new", "# a remark\n7000,7001\n9000\n");
  std::filesystem::rename(folder_.path("S.new"), folder_.path("S"));
  ASSERT_TRUE(is_marked());
  EXPECT_EQ(folder_.read("S"), "# a remark\n#000,7001\n9000\n") << "else it opens again after a restart";
  EXPECT_EQ(format_sequence(file_->scan().value().first->sequence), "9000:tcp");
}

TEST_F(OneTimeFileInUse, is_the_open_one_where_the_name_is_gone) {
  std::filesystem::remove(folder_.path("S"));
  EXPECT_TRUE(is_marked());
  EXPECT_EQ(format_sequence(file_->scan().value().first->sequence), "8000:tcp");
}

TEST_F(OneTimeFileInUse, opens_by_no_line_that_is_gone) {
  folder_.write("S", "9000\n");
  EXPECT_FALSE(is_marked());
  EXPECT_EQ(folder_.read("S"), "9000\n");
}

}  // namespace
}  // namespace latchkey::knockd
