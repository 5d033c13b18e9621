// SPDX-License-Identifier: GPL-2.0-or-later
// Memory that runs out at the n-th allocation, for every n. Include it in one file of a test program.
#pragma once
#include <cstdlib>
#include <new>

namespace latchkey::test {

/// Allocations that still succeed; negative: all do.
inline long allocations_left = -1;

inline bool is_exhausted() {
  if (allocations_left < 0) return false;
  if (allocations_left == 0) return true;
  --allocations_left;
  return false;
}

/// False where something else provides operator new, as Valgrind does: nothing can be shown then.
inline bool can_fail() {
  allocations_left = 0;
  void* memory = nullptr;
  try {
    memory = ::operator new(1);
  } catch (const std::bad_alloc&) {
    allocations_left = -1;
    return true;
  }
  allocations_left = -1;
  ::operator delete(memory);
  return false;
}

/// Calls `body` with no memory, then with one allocation, two, ... until it ends without std::bad_alloc. Every call
/// begins anew, so `body` must leave nothing behind. Returns how often memory ran out.
template <class F>
int fail_each_allocation(F body) {
  for (int failures = 0;; ++failures) {
    allocations_left = failures;
    try {
      body();
      allocations_left = -1;
      return failures;
    } catch (const std::bad_alloc&) {
      allocations_left = -1;
    }
  }
}

}  // namespace latchkey::test

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!latchkey::test::is_exhausted()) {
    if (void* memory = std::malloc(size ? size : 1)) return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
