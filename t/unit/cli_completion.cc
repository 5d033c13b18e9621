// SPDX-License-Identifier: GPL-2.0-or-later
// The completion files in dist/completions are what the option tables give. WRITE=1 writes them anew.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "common/cli/completion.h"
#include "fwknop/options.h"
#include "fwknopd/config/command_line.h"
#include "knock/options.h"
#include "knockd/options.h"

namespace latchkey {
namespace {

void expect_current(const std::string& file, const std::string& wanted) {
  const char* const source = ::getenv("LATCHKEY_SOURCE");
  const std::string path = std::string(source == nullptr ? ".." : source) + "/dist/completions/" + file;
  if (::getenv("WRITE") != nullptr) std::ofstream(path) << wanted;
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_EQ(found.str(), wanted) << path << " is old: run this program with WRITE=1";
}

void expect_current_files(const std::string& program, std::span<const cli::OptionText> table) {
  expect_current("bash/" + program, cli::format_bash_completion(program, table));
  expect_current("fish/" + program + ".fish", cli::format_fish_completion(program, table));
  expect_current("zsh/_" + program, cli::format_zsh_completion(program, table));
}

TEST(Completion, files_are_current) {
  expect_current_files("fwknop", fwknop::option_texts());
  expect_current_files("fwknopd", fwknopd::option_texts());
  expect_current_files("knock", cli::texts_of(knock::option_table()));
  expect_current_files("knockd", cli::texts_of(knockd::option_table()));
}

}  // namespace
}  // namespace latchkey
