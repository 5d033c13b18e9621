// SPDX-License-Identifier: GPL-2.0-or-later
// The directive table of fwknopd.conf: one row a keyword, in the order of the dump (spec/fwknopd-config.md 6).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/config/directive.h"
#include "fwknopd/config/settings.h"

namespace latchkey::fwknopd {

/// A value in the forms that setters need.
struct ConfValue {
  std::string_view text;
  std::int64_t number = 0;  ///< of ValueKind::number, checked against the row's range
  bool is_on = false;       ///< begins with Y or y
  bool is_off = false;      ///< begins with N or n
};

struct ConfRow {
  config::DirectiveText text;
  unsigned firewalls = 0;  ///< bits of the FirewallKinds that know the keyword
  void (*set)(Settings& settings, const ConfValue& value) = nullptr;

  bool is_of_nfqueue = false;  ///< known only where the netfilter queue has not been left out

  /// Does this build of the program know the keyword at all?
  bool is_built() const;
  bool knows(FirewallKind kind) const { return is_built() && (firewalls >> static_cast<unsigned>(kind) & 1) != 0; }
};

std::span<const ConfRow> conf_rows();
/// Position in the table; nullopt for a keyword that this build does not know.
std::optional<std::size_t> find_conf_row(std::string_view keyword);
/// For keywords that our own code names; they are in the table.
std::size_t conf_row(std::string_view keyword);

/// Integers are checked in this order (section 2, step 5).
std::span<const std::string_view> integer_check_order();

}  // namespace latchkey::fwknopd
