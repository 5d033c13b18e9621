// SPDX-License-Identifier: GPL-2.0-or-later
// IniFile: what iniparser read, in order. The only user of iniparser (DESIGN.md, rule 10).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace latchkey::config {

class IniFile {
 public:
  struct Entry {
    std::string section;  ///< lower case, as iniparser keeps it
    std::string key;      ///< lower case
    std::string value;    ///< unquoted, without comment
  };

  /// Hands `text` to iniparser through an anonymous file. `name` stands for it in the error text. Error: iniparser's
  /// own complaints ("syntax error in NAME (3):-> text"), or none of them and a failed load.
  static Result<IniFile> load(std::string_view text, std::string_view name);

  /// Keys in the order of their first appearance; a repeated key has its last value. Sections without keys are absent.
  const std::vector<Entry>& entries() const { return entries_; }
  /// Section names in order of first appearance, empty ones included.
  const std::vector<std::string>& sections() const { return sections_; }
  /// Names in lower case.
  std::optional<std::string_view> get(std::string_view section, std::string_view key) const;

 private:
  std::vector<Entry> entries_;
  std::vector<std::string> sections_;
};

}  // namespace latchkey::config
