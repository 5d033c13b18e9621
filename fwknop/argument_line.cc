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

void add_quoted(std::string& line, std::string_view word) {
  line += '"';
  for (const char c : word) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n')
      line += "\\n";
    else
      line += c;
  }
  line += '"';
}

/// Takes a well-formed quoted word off the front of `rest`; else takes nothing.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string word;
  word.reserve(rest.size());
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
  // Room for every character quoted: there may be keys, and what does not grow leaves no copies behind.
  std::size_t room = 1;
  for (const std::string& word : words) room += 2 * word.size() + 3;
  std::string line;
  line.reserve(room);
  for (const std::string& word : words) {
    if (needs_quotes(word))
      add_quoted(line, word);
    else
      line += word;
    line += ' ';
  }
  line += '\n';
  return line;
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
