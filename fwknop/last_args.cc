// SPDX-License-Identifier: GPL-2.0-or-later
// The saved command line: written on every run, shown by --show-last, run again by -l (spec/fwknop-client.md 8).
#include "fwknop/last_args.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <numeric>

#include "common/base/bytes.h"
#include "common/base/fd.h"
#include "common/base/handle.h"
#include "fwknop/argument_line.h"
#include "fwknop/rc_location.h"

namespace latchkey::fwknop {
namespace {

/// Sum of the lengths of all words; the peer's limit.
constexpr std::size_t longest_command_line = 1024;
constexpr std::size_t most_file_bytes = 1u << 20;

bool is_regular_file(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

Result<void> save_args(const std::string& path, const std::vector<std::string>& words, Console& console) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!file) return fail(Error{"Could not open args file: " + path});
  // A file of the old program may have any mode. Devices keep theirs.
  if (is_regular_file(file.get()) && ::fchmod(file.get(), 0600) != 0)
    return fail(Error{"Could not open args file: " + path});
  const std::size_t size = std::accumulate(words.begin(), words.end(), std::size_t{0},
                                           [](std::size_t sum, const std::string& word) { return sum + word.size(); });
  if (size >= longest_command_line) return fail(Error{"argument string too long, exiting."});
  std::string line = format_argument_line(words);
  if (!write_all(file.get(), line)) console.error("warning, did not write expected number of bytes to args save file");
  wipe(line);
  return {};
}

Result<std::string> read_args_line(const std::string& path, Console& console) {
  if (auto checked = check_private_file(path, console); !checked) return fail(checked.error());
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail(Error{"Could not open args file: " + path});
  auto text = read_all(file.get(), most_file_bytes);
  if (!text) return fail(Error{"Could not open args file: " + path});
  const Defer wipe_text([&] { wipe(*text); });
  const std::size_t newline = text->find('\n');
  return text->substr(0, newline == std::string::npos ? newline : newline + 1);
}

}  // namespace latchkey::fwknop
