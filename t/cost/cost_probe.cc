// SPDX-License-Identifier: GPL-2.0-or-later
// cost_probe            prints the names of all cases
// cost_probe NAME N     prepares a case and does its work N times, for an instruction counter to watch
#include <cstdio>
#include <string_view>

#include "bench/cases.h"
#include "common/base/text.h"
#include "common/crypto/secret.h"

int main(int argc, char** argv) {
  using namespace latchkey;
  if (!crypto::init()) return 1;
  if (argc != 3) {
    bench::for_each_case([](const bench::Case& one) { std::puts(std::string(one.name).c_str()); });
    return 0;
  }
  const auto count = parse_number<unsigned>(argv[2]);
  bool is_known = false;
  bench::for_each_case([&](const bench::Case& one) {
    if (one.name != argv[1] || !count) return;
    is_known = true;
    const bench::Work work = one.prepare();
    for (unsigned i = 0; i < *count; ++i) work();
  });
  return is_known ? 0 : 2;
}
