// SPDX-License-Identifier: GPL-2.0-or-later
// One-time sequence files: scanning, and marking with a positioned write.
#include "knockd/one_time.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/text.h"
#include "knockd/sequence.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{16} << 20;

/// A junk port is an error here: nobody can mean a knock at port 0 by "hello".
Result<Sequence, std::string> parse_line(std::string_view line) {
  Reading<Sequence> reading = parse_sequence(line);
  if (reading.error) return fail(std::move(reading.error->reason));
  if (reading.junk) return fail(std::move(reading.junk->reason));
  return std::move(reading.value);
}

std::string_view line_at(std::string_view text, std::uint64_t offset) {
  if (offset > text.size()) return {};
  text.remove_prefix(offset);
  return text.substr(0, text.find('\n'));
}

}  // namespace

OneTimeScan scan_one_time_text(std::string_view text, const Sequence* wanted) {
  OneTimeScan scan;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::string_view line = line_at(text, offset);
    const std::string_view content = strip(line);
    if (!content.empty() && content[0] != '#') {
      auto sequence = parse_line(content);
      if (!sequence) {
        scan.complaints.push_back(sequence.error());
      } else if (wanted == nullptr || *wanted == *sequence) {
        scan.first = OneTimeLine{offset, std::string(line), std::move(*sequence)};
      }
    }
    // 0.8 stops at the line it takes; what stands behind it is of no interest yet.
    if (scan.first) break;
    offset += line.size() + 1;
  }
  return scan;
}

Result<OneTimeFile> OneTimeFile::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail(os_error(path));
  return OneTimeFile(path, std::move(fd));
}

Result<std::string> OneTimeFile::read() const {
  std::string text;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = ::pread(fd_.get(), chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(os_error(path_));
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > max_file_bytes) return fail(os_error(path_, EFBIG));
  }
}

/// Editors put a new file in the place of the old one. What is marked in the old one is forgotten at the next start.
Result<void> OneTimeFile::follow_path() {
  struct stat ours {
  }, named{};
  // A daemon has left the folder of a relative path.
  const bool is_replaced = path_.starts_with('/') && ::fstat(fd_.get(), &ours) == 0 &&
                           ::stat(path_.c_str(), &named) == 0 &&
                           (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino);
  if (!is_replaced) return {};
  auto anew = open(path_);
  if (!anew) return fail(anew.error());
  fd_ = std::move(anew->fd_);
  return {};
}

Result<OneTimeScan> OneTimeFile::scan() {
  if (auto followed = follow_path(); !followed) return fail(followed.error());
  auto text = read();
  if (!text) return fail(text.error());
  return scan_one_time_text(*text);
}

Result<void> OneTimeFile::mark_used(const OneTimeLine& line) {
  if (auto followed = follow_path(); !followed) return followed;
  const auto text = read();
  if (!text) return fail(text.error());
  std::uint64_t offset = line.offset;
  if (line.text.empty() || line_at(*text, offset) != line.text) {
    const auto found = scan_one_time_text(*text, &line.sequence).first;
    if (!found) return fail(os_error(path_, ESTALE));
    offset = found->offset;
  }
  for (;;) {
    const ssize_t written = ::pwrite(fd_.get(), "#", 1, static_cast<off_t>(offset));
    if (written == 1) break;
    if (written < 0 && errno == EINTR) continue;
    return fail(os_error(path_, written < 0 ? errno : EIO));
  }
  if (::fsync(fd_.get()) != 0) return fail(os_error(path_));
  return {};
}

}  // namespace latchkey::knockd
