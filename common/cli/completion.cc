// SPDX-License-Identifier: GPL-2.0-or-later
// Completion files for bash, zsh and fish.
#include "common/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::cli {
namespace {

std::string head(std::string_view program, std::string_view shell) {
  return fmt::format(
      "# {} completion for {}, made from its option table\n# SPDX-License-Identifier: GPL-2.0-or-later\n", shell,
      program);
}

// The files are the same for all builds: an option that not all of them know is not in them.
bool is_completed(const OptionText& row) { return !row.help.empty() && row.presence == Presence::always; }

// The help in one line.
std::string description(const OptionText& row) {
  std::string text = replace_all(row.help, "\n", " ");
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// "--file|-f" of the options whose argument is of that kind.
std::string names_taking(std::span<const OptionText> table, ArgumentKind kind) {
  std::string names;
  for (const OptionText& row : table) {
    if (!is_completed(row) || row.argument == Argument::none || argument_kind(row) != kind) continue;
    names += fmt::format("{}--{}", names.empty() ? "" : "|", row.name);
    if (row.letter != 0) names += fmt::format("|-{}", row.letter);
  }
  return names;
}

std::string bash_case(std::string_view names, std::string_view reply) {
  return names.empty() ? std::string() : fmt::format("    {}) {}; return;;\n", names, reply);
}

std::string_view zsh_action(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::file:
      return "_files";
    case ArgumentKind::folder:
      return "_files -/";
    case ArgumentKind::interface:
      return "_net_interfaces";
    case ArgumentKind::other:
      break;
  }
  return "";
}

std::string_view fish_action(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::file:
      return " -r -F";
    case ArgumentKind::folder:
      return " -x -a '(__fish_complete_directories)'";
    case ArgumentKind::interface:
      return " -x -a '(__fish_print_interfaces)'";
    case ArgumentKind::other:
      break;
  }
  return " -x";
}

// For texts between single quotes.
std::string zsh_text(std::string_view text) {
  std::string safe = replace_all(text, "\\", "\\\\");
  for (const std::string_view special : {"[", "]", ":"}) safe = replace_all(safe, special, "\\" + std::string(special));
  return replace_all(safe, "'", "'\\''");
}

std::string zsh_entry(const OptionText& row) {
  std::string tail = fmt::format("[{}]", zsh_text(description(row)));
  const bool has_argument = row.argument == Argument::required;
  if (has_argument) {
    const std::string what = replace_all(replace_all(row.placeholder, "<", ""), ">", "");
    tail += fmt::format(":{}:{}", what.empty() ? "value" : zsh_text(what), zsh_action(argument_kind(row)));
  }
  const std::string_view equals = has_argument ? "=" : "";
  if (row.letter == 0) return fmt::format("  '--{}{}{}'", row.name, equals, tail);
  return fmt::format("  '(-{0} --{1})'{{-{0}{2},--{1}{3}}}'{4}'", row.letter, row.name, has_argument ? "+" : "", equals,
                     tail);
}

}  // namespace

ArgumentKind argument_kind(const OptionText& row) {
  const auto names = [&row](std::string_view what) {
    return row.placeholder.find(what) != std::string_view::npos || row.name.find(what) != std::string_view::npos;
  };
  if (names("interface")) return ArgumentKind::interface;
  if (names("folder") || row.name.ends_with("-dir")) return ArgumentKind::folder;
  const bool is_file = names("file") || names("program") || row.name.ends_with("-exe") || row.name.ends_with("-conf");
  return is_file || row.name == "config" || row.name == "replay" ? ArgumentKind::file : ArgumentKind::other;
}

std::string format_bash_completion(std::string_view program, std::span<const OptionText> table) {
  std::string words;
  for (const OptionText& row : table) {
    if (!is_completed(row)) continue;
    words += fmt::format("{}--{}", words.empty() ? "" : " ", row.name);
    if (row.letter != 0) words += fmt::format(" -{}", row.letter);
  }
  std::string text = head(program, "bash");
  text +=
      fmt::format("_{}() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n", program);
  // bash splits --name=value into three words.
  text += "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n";
  text += "  if [[ $word == = ]]; then word=; fi\n";
  std::string cases =
      bash_case(names_taking(table, ArgumentKind::file), "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")");
  cases += bash_case(names_taking(table, ArgumentKind::folder), "mapfile -t COMPREPLY < <(compgen -d -- \"$word\")");
  cases += bash_case(names_taking(table, ArgumentKind::interface),
                     "mapfile -t COMPREPLY < <(compgen -W \"$(command ls /sys/class/net 2>/dev/null)\" -- \"$word\")");
  cases += bash_case(names_taking(table, ArgumentKind::other), "COMPREPLY=()");
  if (!cases.empty()) text += "  case $before in\n" + cases + "  esac\n";
  text += fmt::format("  if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); fi\n}}\n",
                      words);
  return text + fmt::format("complete -o filenames -F _{0} {0}\n", program);
}

std::string format_zsh_completion(std::string_view program, std::span<const OptionText> table) {
  std::string entries;
  for (const OptionText& row : table)
    if (is_completed(row)) entries += zsh_entry(row) + " \\\n";
  return fmt::format("#compdef {}\n{}_arguments -s -S \\\n{}  '*:operand:'\n", program, head(program, "zsh"), entries);
}

std::string format_fish_completion(std::string_view program, std::span<const OptionText> table) {
  std::string text = head(program, "fish");
  for (const OptionText& row : table) {
    if (!is_completed(row)) continue;
    text += fmt::format("complete -c {}", program);
    if (row.letter != 0) text += fmt::format(" -s {}", row.letter);
    const std::string help = replace_all(replace_all(description(row), "\\", "\\\\"), "'", "\\'");
    text += fmt::format(" -l {}{} -d '{}'\n", row.name,
                        row.argument == Argument::none ? "" : fish_action(argument_kind(row)), help);
  }
  return text;
}

}  // namespace latchkey::cli
