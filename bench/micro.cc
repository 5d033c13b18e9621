// SPDX-License-Identifier: GPL-2.0-or-later
// Times every case with Google Benchmark: `make bench`, or bench/micro --benchmark_filter=REGEX.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/cases.h"
#include "common/crypto/secret.h"

int main(int argc, char** argv) {
  using namespace latchkey;
  if (!crypto::init()) return 1;
  bench::for_each_case([](const bench::Case& one) {
    benchmark::RegisterBenchmark(std::string(one.name).c_str(), [prepare = one.prepare](benchmark::State& state) {
      const bench::Work work = prepare();
      for ([[maybe_unused]] auto _ : state) work();
    });
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
