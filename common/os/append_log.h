// SPDX-License-Identifier: GPL-2.0-or-later
// AppendLog: a file of lines that only grows; a line is on the disk when append() returns.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

struct AppendLogOptions {
  /// What a last line without line end becomes: a line of its own (nothing is lost; the reader judges it), or nothing.
  enum class TornLine { end_it, cut_it };
  mode_t mode = 0600;
  std::string header;  ///< first line of a new or empty file, without line end; empty: none
  TornLine torn_line = TornLine::end_it;
  bool follow_symlink = false;  ///< else the last part of the path must not be one (ELOOP)
};

class AppendLog {
 public:
  using Options = AppendLogOptions;
  /// Opens or creates. Regular files only (EINVAL). Error: "PATH: REASON".
  static Result<AppendLog> open(const std::string& path, const Options& options);

  /// The whole text, for loading. EFBIG above the limit.
  Result<std::string> read(std::size_t limit_bytes) const;

  /// Adds `line` (no line end) and one "\n", all or nothing: on a full disk the part that was written is cut off again
  /// and the error is returned. A file that was deleted or replaced meanwhile is made anew, header first.
  Result<void> append(std::string_view line);
  /// Several complete lines with one fdatasync: `lines` ends in "\n".
  Result<void> append_lines(std::string_view lines);

  const std::string& path() const { return path_; }

 private:
  AppendLog(std::string path, Options options) : path_(std::move(path)), options_(std::move(options)) {}
  Result<void> reopen();
  Result<void> repair_last_line();
  bool is_still_there() const;

  std::string path_;
  Options options_;
  Fd fd_;
};

}  // namespace latchkey::os
