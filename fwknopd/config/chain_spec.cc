// SPDX-License-Identifier: GPL-2.0-or-later
// Chain strings.
#include "fwknopd/config/chain_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/base/text.h"

namespace latchkey::fwknopd {
namespace {

constexpr unsigned most_position = 65536;

bool is_name_byte(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

std::string_view strip_spaces(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The six fields; fwknop 1.9's direction is left out, 2.x makes rules for the source only.
std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields = split(text, ',');
  for (std::string_view& field : fields) field = strip_spaces(field);
  if (fields.size() == 7 && (fields[1] == "src" || fields[1] == "dst" || fields[1] == "both"))
    fields.erase(fields.begin() + 1);
  return fields;
}

}  // namespace

bool is_chain_string(std::string_view text) {
  const std::vector<std::string_view> fields = fields_of(text);
  return fields.size() == 6 && std::ranges::all_of(fields, [](std::string_view field) {
           return !field.empty() && field.size() <= longest_chain_name && std::ranges::all_of(field, is_name_byte);
         });
}

Result<ChainSpec> parse_chain_string(std::string_view text) {
  const std::vector<std::string_view> fields = fields_of(text);
  const auto jump = parse_number<unsigned>(fields[3], 0, most_position);
  if (!jump) return fail(Error{fmt::format("[*] invalid jump rule position in Line: {}", text)});
  const auto rule = parse_number<unsigned>(fields[5], 0, most_position);
  if (!rule) return fail(Error{fmt::format("[*] invalid to_chain rule position in Line: {}", text)});
  return ChainSpec{
      std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), *jump, std::string(fields[4]), *rule};
}

}  // namespace latchkey::fwknopd
