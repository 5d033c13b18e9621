// SPDX-License-Identifier: GPL-2.0-or-later
// IniFile over iniparser.
#include "common/config/ini_file.h"

#include <fmt/format.h>
#include <iniparser.h>
#include <sys/mman.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <memory>

#include "common/base/fd.h"
#include "common/base/handle.h"
#include "common/base/text.h"

namespace latchkey::config {
namespace {

using Dictionary = std::unique_ptr<dictionary, Deleter<iniparser_freedict>>;

// iniparser's callback has no argument of the caller's; the text lives here while one load runs.
thread_local std::string* complaints = nullptr;

int collect_complaint(const char* format, ...) {
  std::array<char, 2048> line{};
  va_list arguments;
  va_start(arguments, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
#pragma GCC diagnostic pop
  va_end(arguments);
  if (complaints != nullptr) complaints->append(line.data());
  return length;
}

std::string tidy(std::string text, std::string_view real_path, std::string_view name) {
  text = replace_all(text, real_path, name);
  return std::string(strip(replace_all(strip(text), "\n", " ")));
}

}  // namespace

Result<IniFile> IniFile::load(std::string_view text, std::string_view name) {
  const Fd memory(::memfd_create("latchkey-ini", MFD_CLOEXEC));
  if (!memory) return fail(os_error(name));
  if (auto written = write_all(memory.get(), text); !written) return fail(os_error(name, written.error().os_code));
  const std::string path = fmt::format("/proc/self/fd/{}", memory.get());

  std::string collected;
  complaints = &collected;
  iniparser_set_error_callback(collect_complaint);
  const Dictionary loaded(iniparser_load(path.c_str()));
  iniparser_set_error_callback(nullptr);
  complaints = nullptr;
  if (!loaded || !collected.empty())
    return fail(
        Error{collected.empty() ? fmt::format("{}: iniparser refuses the file", name) : tidy(collected, path, name)});

  IniFile file;
  // The dictionary's arrays are in the order of insertion; its look-up functions would be quadratic.
  for (ssize_t i = 0; i < loaded->size; ++i) {
    const char* const stored = loaded->key[i];
    if (stored == nullptr) continue;
    const std::string_view full = stored;
    const std::size_t colon = full.find(':');
    if (colon == std::string_view::npos) {
      file.sections_.emplace_back(full);
    } else {
      const char* const value = loaded->val[i];
      file.entries_.push_back(
          {std::string(full.substr(0, colon)), std::string(full.substr(colon + 1)), value == nullptr ? "" : value});
    }
  }
  return file;
}

std::optional<std::string_view> IniFile::get(std::string_view section, std::string_view key) const {
  for (const Entry& entry : entries_)
    if (entry.section == section && entry.key == key) return entry.value;
  return std::nullopt;
}

}  // namespace latchkey::config
