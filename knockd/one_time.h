// SPDX-License-Identifier: GPL-2.0-or-later
// A file of one-time sequences: the first usable line counts until its first byte becomes '#' (spec/knockd.md 5.5).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "knockd/door.h"

namespace latchkey::knockd {

struct OneTimeLine {
  std::uint64_t offset = 0;  ///< of the line's first byte
  std::string text;          ///< the line as it stands in the file, without its newline
  Sequence sequence;
  friend bool operator==(const OneTimeLine&, const OneTimeLine&) = default;
};

/// The first usable line of a text, that of `wanted` if given, and what is wrong with the lines before it ("port 70000
/// is invalid").
struct OneTimeScan {
  std::optional<OneTimeLine> first;
  std::vector<std::string> complaints;
};
OneTimeScan scan_one_time_text(std::string_view text, const Sequence* wanted = nullptr);

class OneTimeFile {
 public:
  /// Error: "PATH: REASON"; an empty path gives the reason alone.
  static Result<OneTimeFile> open(const std::string& path);

  Result<OneTimeScan> scan();
  /// Writes '#' over the first byte of the line and waits until the disk has it. A line that has moved since it was
  /// read is looked for. Error: it cannot be written, or is not there any more (os_code ESTALE).
  Result<void> mark_used(const OneTimeLine& line);

  const std::string& path() const { return path_; }

 private:
  OneTimeFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<std::string> read() const;
  Result<void> follow_path();

  std::string path_;
  Fd fd_;
};

}  // namespace latchkey::knockd
