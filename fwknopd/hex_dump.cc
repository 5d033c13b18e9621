// SPDX-License-Identifier: GPL-2.0-or-later
// The hex dump of candidate packets (spec/fwknopd-runtime.md 2.1).
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "fwknopd/pipeline.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t bytes_a_line = 16;

std::string format_line(std::size_t offset, ByteView bytes) {
  std::string hex;
  std::string printable;
  for (std::size_t i = 0; i < bytes_a_line; ++i) {
    hex += i < bytes.size() ? fmt::format("{:02x} ", std::to_integer<unsigned>(bytes[i])) : "   ";
    if (i == bytes_a_line / 2 - 1) hex += ' ';
    if (i >= bytes.size()) continue;
    const char c = std::to_integer<char>(bytes[i]);
    printable += is_printable(c) ? c : '.';
  }
  return fmt::format("  0x{:04x}:  {} {}\n", offset, hex, printable);
}

}  // namespace

std::string format_hex_dump(ByteView bytes) {
  std::string dump = " \n";
  for (std::size_t offset = 0; offset < bytes.size(); offset += bytes_a_line) {
    dump += format_line(offset, bytes.subspan(offset, std::min(bytes_a_line, bytes.size() - offset)));
  }
  return dump + "\n";
}

}  // namespace latchkey::fwknopd
