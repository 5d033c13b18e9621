// SPDX-License-Identifier: GPL-2.0-or-later
// Pieces of work of the cores, prepared from fixed inputs: timed by bench/micro, counted by t/cost.
#pragma once
#include <functional>
#include <span>
#include <string_view>

namespace latchkey::bench {

/// Does the work once. What it prepared lives as long as it does.
using Work = std::function<void()>;

struct Case {
  std::string_view name;  ///< "area/what/size"
  Work (*prepare)();
};

std::span<const Case> config_cases();
std::span<const Case> packet_cases();
std::span<const Case> spa_cases();
std::span<const Case> fwknopd_cases();
std::span<const Case> knockd_cases();

/// Calls `f` with every case.
template <class F>
void for_each_case(F&& f) {
  for (const auto cases : {packet_cases(), spa_cases(), config_cases(), fwknopd_cases(), knockd_cases()})
    for (const Case& one : cases) f(one);
}

/// Keeps the optimiser from leaving the work out.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace latchkey::bench
