// SPDX-License-Identifier: GPL-2.0-or-later
// Expansion and splitting of commands.
#include "fwknopd/command_text.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

using Format = std::string (*)(const CycleValues&);
struct Variable {
  std::string_view name;
  Format format;
};

/// The order counts: names are matched as prefixes of what follows the `$`.
constexpr Variable variables[] = {
    {"IP", [](const CycleValues& values) { return net::format_ip_address(values.allowed); }},
    {"SRC", [](const CycleValues& values) { return net::format_ip_address(values.allowed); }},
    {"PKT_SRC", [](const CycleValues& values) { return net::format_ip_address(values.packet_source); }},
    {"DST", [](const CycleValues& values) { return net::format_ip_address(values.destination); }},
    {"PORT", [](const CycleValues& values) { return fmt::format("{}", values.service.port); }},
    {"PROTO",
     [](const CycleValues& values) { return fmt::format("{}", static_cast<unsigned>(values.service.protocol)); }},
    {"TIMEOUT",
     [](const CycleValues& values) {
       return fmt::format("{}", values.timestamp_s + static_cast<std::uint64_t>(values.lifetime.count()));
     }},
    {"CLIENT_TIMEOUT", [](const CycleValues& values) { return fmt::format("{}", values.lifetime.count()); }},
};

const Variable* variable_at(std::string_view text) {
  for (const Variable& variable : variables) {
    if (text.starts_with(variable.name)) return &variable;
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> expand_cycle_command(std::string_view text, const CycleValues& values) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      result += text[i++];
      continue;
    }
    ++i;
    if (const Variable* variable = variable_at(text.substr(i))) {
      result += variable->format(values);
      i += variable->name.size();
    }
  }
  if (result.size() > longest_cycle_command) return std::nullopt;
  return result;
}

std::optional<std::vector<std::string>> split_command(std::string_view text) {
  std::vector<std::string> words;
  for (text = strip(text); !text.empty(); text = strip_left(text)) {
    if (words.size() == most_command_words) return std::nullopt;
    std::size_t length = 0;
    while (length < text.size() && !is_blank(text[length])) ++length;
    words.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  if (words.empty()) return std::nullopt;
  return words;
}

std::string full_command(const Stanza& stanza, std::string_view sudo_exe, std::string_view text) {
  if (!stanza.enable_cmd_sudo_exec) return std::string(text);
  std::string command(sudo_exe);
  const CommandUser& who = stanza.cmd_sudo_exec;
  if (who.user && *who.user != "root") command += " -u " + *who.user;
  if (who.group && *who.group != "root") command += " -g " + *who.group;
  return fmt::format("{} {}", command, text);
}

}  // namespace latchkey::fwknopd
