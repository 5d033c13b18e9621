// SPDX-License-Identifier: GPL-2.0-or-later
// Reading .fwknoprc: sections into settings, the list of stanzas, %include (spec/fwknop-client.md 4.4, 4.5).
#include "fwknop/rc_file.h"

#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "common/config/source.h"
#include "fwknop/rc_directives.h"
#include "fwknop/rc_location.h"
#include "fwknop/rc_text.h"

namespace latchkey::fwknop {
namespace {

using config::SourceError;
using config::SourceFile;

/// A line with the section it stands in. An included file begins in the section of its %include line, and that section
/// goes on behind it.
struct PlacedLine {
  const config::SourceLine& source;
  RcLine line;
  std::string_view section;
};
using UseLine = std::function<bool(const PlacedLine&)>;

/// Gets the path of every file that is read beside the rc file itself.
using OnOtherFile = std::function<void(const std::string& path)>;

Result<void, SourceError> read_one(const std::string& path, const UseLine& use, const OnOtherFile& on_include) {
  // Holding on to the files: an address that is used again would bring back another file's section.
  std::map<std::shared_ptr<const SourceFile>, std::string> sections;
  const config::IncludeOptions options{.on_open = [&](const config::OpenedSource& opened) {
    if (opened.file->included_from.file) on_include(opened.file->path);
  }};
  return config::read_lines(path, options, [&](const config::SourceLine& source) {
    const std::shared_ptr<const SourceFile>& file = source.place.file;
    const auto [section, is_new] = sections.try_emplace(file);
    if (is_new && file->included_from.file) section->second = sections[file->included_from.file];
    const RcLine line = parse_rc_line(source.line.text);
    if (line.kind == RcLineKind::section) section->second = line.name;
    return use({source, line, section->second});
  });
}

Result<void, SourceError> read_all(const std::string& path, const UseLine& use, const OnOtherFile& on_other_file) {
  bool goes_on = true;
  const auto use_and_remember = [&](const PlacedLine& line) { return goes_on = use(line); };
  auto result = read_one(path, use_and_remember, on_other_file);
  // A device or a folder in the place of the file reads as empty (spec 4.3).
  if (!result && (result.error().from.file || result.error().kind != SourceError::Kind::not_regular)) return result;
  const std::string folder = path + ".d";
  if (!goes_on || ::access(folder.c_str(), F_OK) != 0) return {};
  auto files = config::list_folder(folder);
  if (!files) return fail(files.error());
  for (const std::string& file : *files) {
    if (!goes_on) break;
    on_other_file(file);
    if (auto part = read_one(file, use_and_remember, on_other_file); !part) return part;
  }
  return {};
}

std::string open_failure(const SourceError& error) {
  std::string text = "Unable to open rc file: " + error.text();
  if (error.from.file) text += fmt::format(" (included from {}, line {})", error.from.file->path, error.from.line);
  return text;
}

/// False: the line is malformed and ends the section.
bool apply_line(const PlacedLine& placed, Source source, Settings& settings, RcPass& pass, Console& console) {
  const config::SourceLine& at = placed.source;
  if (placed.line.kind == RcLineKind::malformed) {
    console.error("*Invalid entry in '{}{}'", at.line.text, at.line.has_newline ? "\n" : "");
    pass.is_ok = false;
    return false;
  }
  if (placed.line.kind != RcLineKind::directive) return true;
  const auto [kind, raw, name, value] = placed.line;
  console.debug("parse_rc_param() : Parsing variable {}...", name);
  const RcDirective* directive = find_rc_directive(name);
  const auto result =
      directive != nullptr ? directive->set(settings, value, source) : Result<void>(fail(Error{std::string()}));
  if (name == "VERBOSE") console.verbosity = settings.verbosity();
  if (result) return true;
  if (!result.error().text.empty()) console.error("{}", result.error().text);
  console.error("Parameter error in {}, line {}: var={}, val={}", at.place.file->path, at.place.line, name, value);
  pass.is_ok = false;
  return true;
}

}  // namespace

RcPass apply_rc_section(const std::string& path, std::string_view name, Source source, Settings& settings,
                        Console& console, std::string_view other) {
  RcPass pass;
  // The peer says so of [default] even where there is none.
  bool is_announced = false;
  const auto announce = [&] {
    if (!std::exchange(is_announced, true)) console.debug("process_rc_section() : Parsing section '{}' ...", name);
  };
  if (source == Source::default_section) announce();
  const auto warn_about_file = [&](const std::string& file) {
    static_cast<void>(check_private_file(file, console).ok());
  };
  const auto use = [&](const PlacedLine& placed) {
    pass.has_other = pass.has_other || is_same_section(placed.section, other);
    if (!is_same_section(placed.section, name)) return true;
    announce();
    if (placed.line.kind == RcLineKind::section) return true;
    return apply_line(placed, source, settings, pass, console);
  };
  if (const auto result = read_all(path, use, warn_about_file); !result) {
    console.error("{}", open_failure(result.error()));
    // What the user asked to include and cannot be had may hold the key; the file itself the peer does without.
    if (result.error().from.file || result.error().kind == SourceError::Kind::cannot_open_folder) pass.is_ok = false;
  }
  return pass;
}

Result<std::vector<std::string>> list_rc_sections(const std::string& path) {
  std::vector<std::string> names;
  const auto use = [&](const PlacedLine& placed) {
    if (placed.line.kind == RcLineKind::section && !is_same_section(placed.line.name, "default"))
      names.emplace_back(placed.line.name);
    return true;
  };
  if (const auto result = read_all(path, use, [](const std::string&) {}); !result)
    return fail(Error{open_failure(result.error())});
  return names;
}

}  // namespace latchkey::fwknop
