// SPDX-License-Identifier: GPL-2.0-or-later
// latchkey.conf as a table over IniFile.
#include "common/config/suite.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/base/text.h"
#include "common/config/ini_file.h"
#include "common/config/source.h"

namespace latchkey::config {
namespace {

// Returns what is wrong with the value; empty = nothing.
using Set = std::string_view (*)(SuiteSettings&, std::string_view value);

constexpr auto table = std::to_array<Directive<Set>>({
    {{.name = "sandbox.user", .kind = ValueKind::user},
     [](SuiteSettings& settings, std::string_view value) -> std::string_view {
       settings.sandbox_user = value;
       return value.empty() ? "is empty" : "";
     }},
    {{.name = "sandbox.enable", .kind = ValueKind::yes_no, .fallback = "yes"},
     [](SuiteSettings& settings, std::string_view value) -> std::string_view {
       settings.sandbox_enable = is_yes(value);
       const bool is_no = !value.empty() && (value[0] == 'n' || value[0] == 'N');
       return is_yes(value) || is_no ? "" : "is neither yes nor no";
     }},
    {{.name = "knockd.interface"},
     [](SuiteSettings& settings, std::string_view value) -> std::string_view {
       settings.knockd_interfaces.clear();
       for (const std::string_view item : split(value, ',')) {
         const std::string_view name = strip(item);
         if (name.empty() || name.size() > 31) return "is not a list of interfaces";
         settings.knockd_interfaces.emplace_back(name);
       }
       return "";
     }},
});
static_assert(is_consistent(table));

}  // namespace

Result<SuiteSettings> load_suite_settings(const std::string& path, bool must_exist) {
  const auto source = open_source(path);
  if (!source) {
    if (!must_exist && source.error().kind == SourceError::Kind::cannot_open && source.error().os_code == ENOENT)
      return SuiteSettings{};
    return fail(Error{source.error().text(), source.error().os_code});
  }
  const auto file = IniFile::load(source->text.view(), path);
  if (!file) return fail(file.error());
  SuiteSettings settings;
  for (const IniFile::Entry& entry : file->entries()) {
    const auto* row = find_directive(table, fmt::format("{}.{}", entry.section, entry.key));
    if (row == nullptr)
      return fail(Error{fmt::format("{}: unknown setting '{}' in section [{}]", path, entry.key, entry.section)});
    const std::string_view complaint = row->set(settings, entry.value);
    if (!complaint.empty())
      return fail(Error{
          fmt::format("{}: '{}' of section [{}] {}: '{}'", path, entry.key, entry.section, complaint, entry.value)});
  }
  return settings;
}

std::vector<DirectiveText> suite_directives() { return texts_of(table); }

}  // namespace latchkey::config
