// SPDX-License-Identifier: GPL-2.0-or-later
// The table of .fwknoprc directives: one row each, read and written from here (spec/fwknop-client.md 4.6, 5.2).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

struct RcDirective {
  std::string_view name;
  std::string_view value;  ///< for people: "Y/N", "0-65535", "text"
  std::string_view help;
  int position;      ///< the peer's number in its "Updating param" line (spec 5.3)
  bool is_critical;  ///< asked about before a saved stanza loses it
  /// Error: a line for standard error, or empty when "Parameter error" alone is printed.
  Result<void> (*set)(Settings&, std::string_view value, Source);
  /// The value to save; empty when there is nothing to write.
  std::string (*format)(const Settings&);
};

/// In the order in which a saved stanza is written.
std::span<const RcDirective> rc_directives();

/// Case-sensitive; nullptr for an unknown name.
const RcDirective* find_rc_directive(std::string_view name);

/// The set of one directive of the table, for an option row's "saves". An unknown name is a bug and throws.
DirectiveSet directive_set(std::initializer_list<std::string_view> names);

}  // namespace latchkey::fwknop
