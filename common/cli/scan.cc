// SPDX-License-Identifier: GPL-2.0-or-later
// Scanner: getopt_long over an option table.
#include "common/cli/scan.h"

#include <algorithm>
#include <utility>

namespace latchkey::cli {
namespace {

// getopt returns this plus the row; above every character, so that letters and long names cannot meet.
constexpr int first_row_value = 0x100;

std::size_t row_of(const std::vector<OptionText>& table, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(table, name, &OptionText::name) - table.begin());
}

}  // namespace

Scanner::Scanner(std::span<char* const> argv, std::vector<OptionText> table, bool prints_errors)
    : table_(std::move(table)), argv_(argv.begin(), argv.end()), prints_errors_(prints_errors) {
  argv_.push_back(nullptr);
  for (const OptionText& row : table_) {
    if (row.letter == 0 || row.presence == Presence::left_out) continue;
    letters_ += row.letter;
    if (row.argument == Argument::required) letters_ += ':';
  }
  optind = 0;  // glibc: forget the scan before
}

const ::option* Scanner::long_options(bool with_extensions) {
  std::vector<::option>& options = with_extensions ? all_options_ : peers_options_;
  if (!options.empty()) return options.data();
  options.reserve(table_.size() + 1);
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const OptionText& row = table_[i];
    if ((row.is_extension && !with_extensions) || row.presence == Presence::left_out) continue;
    const std::size_t target = row.same_as.empty() ? i : row_of(table_, row.same_as);
    // Names are literals, so a NUL stands behind them.
    options.push_back({row.name.data(), row.argument == Argument::required ? required_argument : no_argument, nullptr,
                       first_row_value + static_cast<int>(target)});
  }
  options.push_back({});
  return options.data();
}

bool Scanner::names_an_extension() const {
  const auto first = argv_.begin() + std::max(optind, 1);
  const auto found =
      std::find_if(first, argv_.end() - 1, [](const char* word) { return word[0] == '-' && word[1] != 0; });
  if (first > argv_.end() - 1 || found == argv_.end() - 1) return false;
  std::string_view word = *found;
  if (!word.starts_with("--")) return false;
  word = word.substr(2, word.find('=', 2) == std::string_view::npos ? std::string_view::npos : word.find('=', 2) - 2);
  bool fits_extension = false;
  for (const OptionText& row : table_) {
    if (row.presence == Presence::left_out) continue;
    if (row.name == word) return row.is_extension;
    if (!row.name.starts_with(word)) continue;
    if (!row.is_extension) return false;
    fits_extension = true;
  }
  return fits_extension;
}

Match Scanner::next() {
  opterr = prints_errors_ ? 1 : 0;
  const int value = ::getopt_long(static_cast<int>(argv_.size()) - 1, argv_.data(), letters_.c_str(),
                                  long_options(names_an_extension()), nullptr);
  if (value == -1) return {};
  if (value == '?') return {.kind = Match::Kind::error};
  const std::size_t row =
      value >= first_row_value
          ? static_cast<std::size_t>(value - first_row_value)
          : static_cast<std::size_t>(std::ranges::find(table_, static_cast<char>(value), &OptionText::letter) -
                                     table_.begin());
  return {.kind = Match::Kind::option,
          .row = row,
          .argument = table_[row].argument == Argument::required ? std::string_view(optarg) : std::string_view()};
}

std::vector<std::string_view> Scanner::operands() const {
  std::vector<std::string_view> words;
  for (std::size_t i = static_cast<std::size_t>(std::max(optind, 1)); i + 1 < argv_.size(); ++i)
    words.emplace_back(argv_[i]);
  return words;
}

}  // namespace latchkey::cli
