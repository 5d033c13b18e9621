// SPDX-License-Identifier: GPL-2.0-or-later
// What is made of the table of options: getopt's rows, what --save-rc-stanza writes, the usage text.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "fwknop/options.h"
#include "fwknop/rc_directives.h"

namespace latchkey::fwknop {
namespace {

using enum OptionGroup;

struct GroupTitle {
  OptionGroup group;
  std::string_view title;
};
constexpr auto group_titles = std::to_array<GroupTitle>({
    {request, "What to ask for"},
    {address, "Which address gets access (one of -a, -R, -s)"},
    {nat, "NAT"},
    {keys, "Keys and cryptography"},
    {gnupg, "GnuPG"},
    {transport, "Sending"},
    {files, "Files"},
    {other, "Other"},
});
constexpr std::size_t help_column = 29;

std::string format_entry(const cli::OptionText& text) {
  std::string entry =
      text.letter != 0 ? fmt::format(" -{}, --{}", text.letter, text.name) : fmt::format("     --{}", text.name);
  for (const std::string_view line : split(text.help, '\n')) {
    entry.append(entry.ends_with('\n') ? help_column : help_column - std::min(help_column - 1, entry.size()), ' ');
    entry.append(line).append("\n");
  }
  return entry;
}

}  // namespace

std::vector<cli::OptionText> option_texts() {
  std::vector<cli::OptionText> texts;
  texts.reserve(option_rows().size());
  for (const OptionRow& row : option_rows()) texts.push_back(row.text);
  return texts;
}

DirectiveSet saved_directives(const OptionRow& row) {
  DirectiveSet set;
  if (row.saves.empty()) return set;
  for (const std::string_view name : split(row.saves, ' ')) set |= directive_set({name});
  return set;
}

std::string usage_text(std::string_view version) {
  std::string usage = fmt::format(
      "\nfwknop client version {}\n"
      "Single Packet Authorization client - http://www.cipherdyne.org/fwknop/\n\n"
      "Usage: fwknop -A <port list> [-s|-R|-a] -D <spa_server> [options]\n",
      version);
  for (const GroupTitle& title : group_titles) {
    usage += fmt::format("\n{}:\n", title.title);
    for (const OptionRow& row : option_rows())
      if (row.group == title.group) usage += format_entry(row.text);
  }
  return usage + '\n';
}

}  // namespace latchkey::fwknop
