// SPDX-License-Identifier: GPL-2.0-or-later
// The line of the saved-arguments file: words to text and back (spec/fwknop-client.md 8, D20, D21).
#include "fwknop/argument_line.h"

#include <algorithm>
#include <optional>

#include "common/base/text.h"

namespace latchkey::fwknop {
namespace {

bool needs_quotes(std::string_view word) {
  return word.empty() || word.front() == '"' || std::any_of(word.begin(), word.end(), is_blank);
}

std::string quote(std::string_view word) {
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else
      quoted += c;
  }
  return quoted + '"';
}

/// Takes a well-formed quoted word off the front of `rest`; else takes nothing.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string word;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      if (i + 1 < rest.size() && !is_blank(rest[i + 1])) return std::nullopt;
      rest.remove_prefix(i + 1);
      return word;
    }
    if (rest[i] == '\\') {
      if (++i == rest.size()) return std::nullopt;
      word += rest[i] == 'n' ? '\n' : rest[i];
    } else {
      word += rest[i];
    }
  }
  return std::nullopt;
}

}  // namespace

std::string format_argument_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (needs_quotes(word) ? quote(word) : word) + ' ';
  return line + '\n';
}

std::vector<std::string> parse_argument_line(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view rest = strip_left(line); !rest.empty(); rest = strip_left(rest)) {
    if (rest.front() == '"') {
      if (auto word = take_quoted(rest)) {
        words.push_back(std::move(*word));
        continue;
      }
    }
    const auto length = static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_blank) - rest.begin());
    words.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  return words;
}

}  // namespace latchkey::fwknop
