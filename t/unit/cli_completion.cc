// SPDX-License-Identifier: GPL-2.0-or-later
// The completion files in dist/completions are what the option tables give. WRITE=1 writes them anew.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "common/cli/usage.h"
#include "fwknop/options.h"
#include "fwknopd/config/command_line.h"
#include "knock/options.h"
#include "knockd/options.h"

namespace latchkey {
namespace {

void expect_current(const std::string& program, std::span<const cli::OptionText> table) {
  const char* const source = ::getenv("LATCHKEY_SOURCE");
  const std::string path = std::string(source == nullptr ? ".." : source) + "/dist/completions/" + program;
  const std::string wanted = cli::format_bash_completion(program, table);
  if (::getenv("WRITE") != nullptr) std::ofstream(path) << wanted;
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_EQ(found.str(), wanted) << path << " is old: run this program with WRITE=1";
}

TEST(Completion, files_are_current) {
  expect_current("fwknop", fwknop::option_texts());
  expect_current("fwknopd", fwknopd::option_texts());
  expect_current("knock", cli::texts_of(knock::option_table()));
  expect_current("knockd", cli::texts_of(knockd::option_table()));
}

}  // namespace
}  // namespace latchkey
