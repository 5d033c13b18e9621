// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration files: opened safely, included with loop and depth protection, read as lines with provenance.
#pragma once
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/config/diagnostic.h"
#include "common/config/line_reader.h"

namespace latchkey::config {

/// The text of a file that may hold keys: wiped when it goes.
class SourceText {
 public:
  SourceText() = default;
  explicit SourceText(std::string text) : text_(std::move(text)) {}
  SourceText(SourceText&& other) noexcept { text_.swap(other.text_); }
  SourceText& operator=(SourceText&& other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~SourceText() { wipe(text_); }
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

struct OpenedSource {
  std::shared_ptr<const SourceFile> file;
  SourceText text;
  struct stat facts {};
};

struct SourceError {
  enum class Kind { cannot_open, cannot_stat, not_regular, cannot_read, too_deep, loop, cannot_open_folder, no_path };
  Kind kind = Kind::cannot_open;
  std::string path;  ///< of the file or folder that was wanted
  Place from;        ///< of the %include line; no file for a root
  int os_code = 0;

  /// "PATH: No such file or directory" and the like.
  std::string text() const;
};

inline constexpr std::size_t default_size_limit = std::size_t{64} << 20;

/// Opens without blocking on a FIFO, follows symbolic links, refuses everything but regular files.
Result<OpenedSource, SourceError> open_source(const std::string& path, const Place& included_from = {},
                                              std::size_t limit_bytes = default_size_limit);

/// The paths of the entries of a folder whose names end in ".conf", in the order of their bytes. One `/` at the end of
/// `folder` is dropped.
Result<std::vector<std::string>, SourceError> list_folder(std::string_view folder, const Place& from = {});

struct IncludeDirective {
  enum class Kind { file, folder };
  Kind kind = Kind::file;
  std::string path;  ///< empty = missing
  unsigned column = 0;
};
/// Recognises `%include PATH` and `%include_folder PATH`, with or without a colon and blanks around; nullopt for any
/// other line.
std::optional<IncludeDirective> parse_include(std::string_view line);

struct SourceLine {
  Place place;  ///< column 1
  Line line;
};

struct IncludeOptions {
  LinePolicy lines;
  unsigned most_levels = 8;  ///< the root is level 1
  unsigned most_files = 10000;
  std::size_t limit_bytes = default_size_limit;  ///< of each file
  std::function<void(const OpenedSource&)> on_open = {};
};

/// Calls `use` for every line of a file and of what it includes, in order, without the include lines themselves, until
/// it returns false. Paths of includes are relative to the folder of the file that names them. A file that is being
/// read already is not included again (loop). This is the resolver of the dialects whose peers have no %include.
Result<void, SourceError> read_lines(const std::string& path, const IncludeOptions& options,
                                     const std::function<bool(const SourceLine&)>& use);

}  // namespace latchkey::config
