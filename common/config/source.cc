// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration files: opening, listing, including.
#include "common/config/source.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "common/base/fd.h"
#include "common/base/handle.h"
#include "common/base/text.h"

namespace latchkey::config {
namespace {

using Kind = SourceError::Kind;
using Folder = std::unique_ptr<DIR, Deleter<::closedir>>;

std::string resolve_beside(const SourceFile& including, const std::string& path) {
  const std::size_t slash = including.path.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return including.path.substr(0, slash + 1) + path;
}

class Reader {
 public:
  Reader(const IncludeOptions& options, const std::function<bool(const SourceLine&)>& use)
      : options_(options), use_(use) {}

  Result<void, SourceError> read_file(const std::string& path, const Place& from) {
    if (open_.size() >= options_.most_levels || files_ >= options_.most_files)
      return fail(SourceError{Kind::too_deep, path, from});
    auto opened = open_source(path, from, options_.limit_bytes);
    if (!opened) return fail(std::move(opened).error());
    const Identity identity{opened->facts.st_dev, opened->facts.st_ino};
    if (std::ranges::find(open_, identity) != open_.end()) return fail(SourceError{Kind::loop, path, from});
    ++files_;
    if (options_.on_open) options_.on_open(*opened);
    open_.push_back(identity);
    auto result = read_opened(*opened);
    open_.pop_back();
    return result;
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  Result<void, SourceError> read_opened(const OpenedSource& source) {
    LineReader reader(source.text.view(), options_.lines);
    while (!is_stopped_) {
      const std::optional<Line> line = reader.next();
      if (!line) break;
      const Place place{source.file, line->number, 1};
      const auto include = line->is_too_long ? std::nullopt : parse_include(line->text);
      if (!include) {
        is_stopped_ = !use_(SourceLine{place, *line});
      } else if (auto result = include_from(*include, Place{source.file, line->number, include->column}); !result) {
        return result;
      }
    }
    return {};
  }

  Result<void, SourceError> include_from(const IncludeDirective& include, const Place& from) {
    if (include.path.empty()) return fail(SourceError{Kind::no_path, {}, from});
    const std::string path = resolve_beside(*from.file, include.path);
    if (include.kind == IncludeDirective::Kind::file) return read_file(path, from);
    const auto paths = list_folder(path, from);
    if (!paths) return fail(paths.error());
    for (const std::string& entry : *paths) {
      if (auto result = read_file(entry, from); !result || is_stopped_) return result;
    }
    return {};
  }

  const IncludeOptions& options_;
  const std::function<bool(const SourceLine&)>& use_;
  std::vector<Identity> open_;
  unsigned files_ = 0;
  bool is_stopped_ = false;
};

}  // namespace

std::string SourceError::text() const {
  switch (kind) {
    case Kind::not_regular:
      return path + ": not a regular file";
    case Kind::too_deep:
      return path + ": too many files included, or too deep";
    case Kind::loop:
      return path + ": includes itself";
    case Kind::no_path:
      return "%include without a path";
    case Kind::cannot_open:
    case Kind::cannot_stat:
    case Kind::cannot_read:
    case Kind::cannot_open_folder:
      break;
  }
  return os_error(path, os_code).text;
}

Result<OpenedSource, SourceError> open_source(const std::string& path, const Place& included_from,
                                              std::size_t limit_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail(SourceError{Kind::cannot_open, path, included_from, errno});
  OpenedSource source;
  if (::fstat(fd.get(), &source.facts) != 0) return fail(SourceError{Kind::cannot_stat, path, included_from, errno});
  if (!S_ISREG(source.facts.st_mode))
    return fail(SourceError{Kind::not_regular, path, included_from, S_ISDIR(source.facts.st_mode) ? EISDIR : EINVAL});
  auto text = read_all(fd.get(), limit_bytes);
  if (!text) return fail(SourceError{Kind::cannot_read, path, included_from, text.error().os_code});
  source.text = SourceText(std::move(*text));
  source.file = std::make_shared<const SourceFile>(SourceFile{path, included_from});
  return source;
}

Result<std::vector<std::string>, SourceError> list_folder(std::string_view folder, const Place& from) {
  if (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  const std::string base(folder);
  const Folder handle(::opendir(base.c_str()));
  if (!handle) return fail(SourceError{Kind::cannot_open_folder, base, from, errno});
  std::vector<std::string> paths;
  while (const dirent* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".conf")) paths.push_back((base == "/" ? "" : base) + "/" + std::string(name));
  }
  std::ranges::sort(paths);
  return paths;
}

std::optional<IncludeDirective> parse_include(std::string_view line) {
  const std::string_view text = strip(line);
  if (!text.starts_with("%include")) return std::nullopt;
  const std::size_t end = static_cast<std::size_t>(std::ranges::find_if(text, is_blank) - text.begin());
  std::string_view word = text.substr(0, end);
  if (word.ends_with(':')) word.remove_suffix(1);
  IncludeDirective include;
  if (word == "%include_folder") {
    include.kind = IncludeDirective::Kind::folder;
  } else if (word != "%include") {
    return std::nullopt;
  }
  std::string_view path = strip(text.substr(end));
  path = strip_right(path.substr(0, path.find(';')));
  include.path = path;
  include.column = static_cast<unsigned>((path.empty() ? text.data() : path.data()) - line.data()) + 1;
  return include;
}

Result<void, SourceError> read_lines(const std::string& path, const IncludeOptions& options,
                                     const std::function<bool(const SourceLine&)>& use) {
  return Reader(options, use).read_file(path, {});
}

}  // namespace latchkey::config
