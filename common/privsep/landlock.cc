// SPDX-License-Identifier: GPL-2.0-or-later
// An empty Landlock rule set: everything that it handles is refused.
#include "common/privsep/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/fd.h"

namespace latchkey::privsep {
namespace {

/// struct landlock_ruleset_attr of interface version 6; the kernel takes a longer structure whose unknown part is zero.
struct RuleSet {
  std::uint64_t file_access = 0;
  std::uint64_t network_access = 0;
  std::uint64_t scopes = 0;
};

/// How many bits of each field the interface versions 1, 2, ... know.
struct Known {
  unsigned file_access, network_access, scopes;
};
constexpr std::array<Known, 6> known_bits{{{13, 0, 0}, {14, 0, 0}, {15, 0, 0}, {15, 2, 0}, {16, 2, 0}, {16, 2, 2}}};

constexpr std::uint64_t all_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

}  // namespace

Result<void> restrict_with_landlock() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return fail(os_error("Landlock"));
  const Known& known = known_bits[std::min<std::size_t>(static_cast<std::size_t>(version), known_bits.size()) - 1];
  const RuleSet rules{all_bits(known.file_access), all_bits(known.network_access), all_bits(known.scopes)};
  const Fd fd(static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)));
  if (!fd) return fail(os_error("Landlock"));
  if (syscall(SYS_landlock_restrict_self, fd.get(), 0) != 0) return fail(os_error("Landlock"));
  return {};
}

}  // namespace latchkey::privsep
