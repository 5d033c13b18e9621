// SPDX-License-Identifier: GPL-2.0-or-later
// The part of the man macros that the pages use.
#include "common/config/man_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::config {
namespace {

std::string without_escapes(std::string_view text) {
  std::string plain(text);
  for (const std::string_view font : {"\\fB", "\\fI", "\\fR", "\\fP", "\\&", "\\:"})
    plain = replace_all(plain, font, "");
  plain = replace_all(replace_all(plain, "\\-", "-"), "\\e", "\\");
  return replace_all(plain, "\\(dq", "\"");
}

// The arguments of a request: words, or texts in double quotes.
std::vector<std::string> arguments_of(std::string_view line) {
  std::vector<std::string> arguments;
  while (!(line = strip_left(line)).empty()) {
    const bool is_quoted = line.starts_with('"');
    if (is_quoted) line.remove_prefix(1);
    const std::size_t end = std::min(line.find(is_quoted ? '"' : ' '), line.size());
    arguments.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return arguments;
}

// What a line adds to the text: requests about fonts do, others do not.
std::string plain_line(std::string_view line) {
  if (!line.starts_with('.')) return without_escapes(line);
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view request = line.substr(1, end - 1);
  const bool joins =
      request == "BR" || request == "BI" || request == "RB" || request == "RI" || request == "IR" || request == "IB";
  if (!joins && request != "B" && request != "I") return {};
  std::string text;
  for (const std::string& argument : arguments_of(line.substr(end)))
    text += (joins || text.empty() ? "" : " ") + argument;
  return without_escapes(text);
}

bool is_request(std::string_view line, std::string_view request) {
  return line == request || (line.starts_with(request) && line.substr(request.size()).starts_with(' '));
}

}  // namespace

std::vector<ManEntry> read_man_entries(std::string_view page) {
  std::vector<ManEntry> entries;
  std::string heading;
  std::size_t open = 0;  // tags whose paragraph is being read
  bool is_tag = false;
  for (const std::string_view line : split(page, '\n')) {
    if (is_tag) {
      entries.push_back({.tag = plain_line(line), .body = {}, .heading = heading, .fallback = {}});
      ++open;
      is_tag = false;
    } else if (is_request(line, ".TP") || line == ".TQ") {
      if (line != ".TQ") open = 0;
      is_tag = true;
    } else if (is_request(line, ".SH") || is_request(line, ".SS")) {
      heading = without_escapes(replace_all(strip(line.substr(3)), "\"", ""));
      open = 0;
    } else if (is_request(line, ".PP")) {
      open = 0;
    } else if (open > 0) {
      const std::string text = plain_line(line);
      for (std::size_t i = entries.size() - open; i < entries.size(); ++i) {
        if (!text.empty()) entries[i].body += (entries[i].body.empty() ? "" : " ") + text;
        if (text.starts_with("Default: ") && text.ends_with('.'))
          entries[i].fallback = text.substr(9, text.size() - 10);
      }
    }
  }
  return entries;
}

std::vector<std::string> check_order(const std::vector<std::string>& names, const std::vector<std::string>& table) {
  std::vector<std::string> complaints;
  auto last = table.begin();
  for (const std::string& name : names) {
    const auto row = std::ranges::find(table, name);
    if (row == table.end()) continue;
    if (row < last)
      complaints.push_back(fmt::format("the page has {} behind {}, the table in front of it", name, *last));
    last = std::max(last, row);
  }
  return complaints;
}

}  // namespace latchkey::config
