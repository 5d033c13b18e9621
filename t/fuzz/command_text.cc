// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes commands: the words of an SPA command message (a stranger's text), and the variables of a command cycle.
#include <cstdlib>

#include "common/base/text.h"
#include "fwknopd/command_text.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

void check_words(std::string_view text) {
  const auto words = split_command(text);
  if (!words) return;
  check(!words->empty() && words->size() <= most_command_words);
  std::size_t at = 0;
  for (const std::string& word : *words) {
    check(!word.empty() && std::string_view(word).find_first_of(" \t\n") == std::string_view::npos);
    at = text.find(word, at);
    check(at != std::string_view::npos);
    at += word.size();
  }
}

void check_cycle(std::string_view text) {
  const CycleValues values{.allowed = *net::parse_ip_address("192.0.2.7"),
                           .packet_source = *net::parse_ip_address("192.0.2.8"),
                           .destination = *net::parse_ip_address("192.0.2.9"),
                           .service = {Protocol::tcp, 22},
                           .timestamp_s = ~std::uint64_t{0},
                           .lifetime = std::chrono::seconds(30)};
  const auto command = expand_cycle_command(text, values);
  if (!command) return;
  check(command->size() <= longest_cycle_command);
  check(text.find('$') != std::string_view::npos || *command == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  check_words(text);
  check_cycle(text);
  return 0;
}
