// SPDX-License-Identifier: GPL-2.0-or-later
// Lines, includes, diagnostics.
#include "common/config/source.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace latchkey::config {
namespace {

class Sources : public testing::Test {
 protected:
  Sources() {
    std::string pattern = testing::TempDir() + "sourcesXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Sources() override { std::filesystem::remove_all(folder_); }
  std::string put(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  // "file:line text" of every line that is used.
  Result<std::vector<std::string>, SourceError> lines(const std::string& path,
                                                      const IncludeOptions& options = {}) const {
    std::vector<std::string> used;
    auto result = read_lines(path, options, [&](const SourceLine& line) {
      used.push_back(std::filesystem::path(line.place.file->path).filename().string() + ":" +
                     std::to_string(line.place.line) + " " + std::string(line.line.text));
      return line.line.text != "stop";
    });
    if (!result) return fail(result.error());
    return used;
  }
  std::string folder_;
};

using Lines = std::vector<std::string>;

TEST(LineReader, counts_marks_and_cuts) {
  const std::string_view text("ab\r\n\nx\0y\nlonger\nlast", 21);
  LineReader reader(text, {.limit_bytes = 5, .nul_ends_line = true});
  EXPECT_EQ(reader.next()->text, "ab\r");
  EXPECT_EQ(reader.next()->text, "");
  const auto nul = *reader.next();
  EXPECT_EQ(nul.text, "x");
  EXPECT_TRUE(nul.has_nul);
  const auto longer = *reader.next();
  EXPECT_TRUE(longer.is_too_long);
  EXPECT_EQ(longer.number, 4u);
  const auto last = *reader.next();
  EXPECT_FALSE(last.has_newline);
  EXPECT_FALSE(last.is_too_long);
  EXPECT_FALSE(reader.next());
}

TEST(LineReader, a_limit_may_count_the_newline) {
  const LinePolicy policy{.limit_bytes = 4, .limit_counts_newline = true};
  EXPECT_TRUE(LineReader("abcd\n", policy).next()->is_too_long);
  EXPECT_FALSE(LineReader("abcd", policy).next()->is_too_long);
  EXPECT_FALSE(LineReader("abc\n", policy).next()->is_too_long);
}

TEST(CutComment, needs_a_blank_before_the_mark) {
  EXPECT_EQ(cut_comment("30 # seconds"), "30");
  EXPECT_EQ(cut_comment("30\t#"), "30");
  EXPECT_EQ(cut_comment("30#x"), "30#x");
  EXPECT_EQ(cut_comment("# x"), "# x");
}

TEST(ParseInclude, forms) {
  struct Row {
    const char* line;
    const char* path;
    unsigned column;
  };
  for (const Row& row : {Row{"%include /a", "/a", 10}, Row{"  %include:\t/a b ;x", "/a b", 13}, Row{"%include", "", 1},
                         Row{"%include_folder d/\r", "d/", 17}}) {
    const auto include = parse_include(row.line);
    ASSERT_TRUE(include) << row.line;
    EXPECT_EQ(include->path, row.path);
    EXPECT_EQ(include->column, row.column);
  }
  for (const char* line : {"%includes /a", "#%include /a", "%include_keys /k", "include /a", ""})
    EXPECT_FALSE(parse_include(line)) << line;
}

TEST_F(Sources, includes_files_and_folders_in_order) {
  put("d/b.conf", "B");
  put("d/a.conf", "A1\nA2");
  put("d/c.conf~", "no");
  put("d/d.CONF", "no");
  put("d/.h.conf", "H");
  put("sub/one", "one\n%include two\n");
  put("sub/two", "two\n");
  const auto used = lines(put("root", "1\n%include sub/one\n%include_folder d/\n4"));
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, (Lines{"root:1 1", "one:1 one", "two:1 two", ".h.conf:1 H", "a.conf:1 A1", "a.conf:2 A2",
                          "b.conf:1 B", "root:4 4"}));
}

TEST_F(Sources, stops_when_told) {
  put("inner", "stop\nnever\n");
  const auto used = lines(put("root", "%include inner\nnever\n"));
  EXPECT_EQ(*used, (Lines{"inner:1 stop"}));
}

TEST_F(Sources, refuses_loops_depth_and_what_is_no_file) {
  const std::string loop = put("loop", "x\n%include loop2\n");
  put("loop2", "%include ./loop\n");
  const auto looped = lines(loop);
  ASSERT_FALSE(looped);
  EXPECT_EQ(looped.error().kind, SourceError::Kind::loop);
  EXPECT_EQ(looped.error().from.file->path, folder_ + "/loop2");
  EXPECT_EQ(looped.error().from.line, 1u);

  for (int i = 0; i < 9; ++i) put("n" + std::to_string(i), "%include n" + std::to_string(i + 1) + "\n");
  put("n9", "end\n");
  EXPECT_EQ(lines(folder_ + "/n0").error().kind, SourceError::Kind::too_deep);
  EXPECT_TRUE(lines(folder_ + "/n2"));

  EXPECT_EQ(lines(folder_).error().kind, SourceError::Kind::not_regular);
  EXPECT_EQ(lines(folder_).error().os_code, EISDIR);
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(lines(fifo).error().kind, SourceError::Kind::not_regular);
  EXPECT_EQ(lines(folder_ + "/none").error().text(), folder_ + "/none: No such file or directory");
  EXPECT_EQ(lines(put("e", "%include\n")).error().kind, SourceError::Kind::no_path);
  EXPECT_EQ(lines(put("f", "%include_folder nope\n")).error().kind, SourceError::Kind::cannot_open_folder);
}

TEST_F(Sources, the_same_file_may_be_included_twice) {
  put("b", "b\n");
  EXPECT_EQ(lines(put("root", "%include b\n%include b\n"))->size(), 2u);
}

TEST_F(Sources, size_is_bounded) {
  const std::string path = put("big", std::string(1000, 'x'));
  EXPECT_EQ(lines(path, {.limit_bytes = 999}).error().os_code, EFBIG);
  EXPECT_TRUE(lines(path, {.limit_bytes = 1000}));
}

std::string shown(Severity severity, const Place& place, const std::string& text, const std::string& line,
                  bool with_caret) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.place = place;
  diagnostic.text = text;
  diagnostic.source_line = line;
  return format_diagnostic(diagnostic, with_caret);
}

TEST(Diagnostic, place_chain_and_caret) {
  const auto root = std::make_shared<SourceFile>();
  root->path = "a.conf";
  const auto inner = std::make_shared<SourceFile>();
  inner->path = "b.conf";
  inner->included_from = {root, 3, 10};
  const std::string line = "b.conf:7:6: warning: odd\\x0athing (included from a.conf:3)";
  EXPECT_EQ(shown(Severity::warning, {inner, 7, 6}, "odd\nthing", "\tkéy x", false), line);
  EXPECT_EQ(shown(Severity::warning, {inner, 7, 6}, "odd\nthing", "\tkéy x", true), line + "\n   kéy x\n      ^");
  EXPECT_EQ(shown(Severity::error, {}, "no file", "", true), "error: no file");
  EXPECT_EQ(shown(Severity::error, {root, 0, 0}, "gone", "", true), "a.conf: error: gone");
}

}  // namespace
}  // namespace latchkey::config
