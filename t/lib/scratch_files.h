// SPDX-License-Identifier: GPL-2.0-or-later
// For fuzz targets that read files: one input becomes several files of a scratch folder, split at byte 0x1e.
#pragma once
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"

namespace latchkey::test {

class ScratchFiles {
 public:
  /// `names` are relative; a missing part of the input makes an empty file.
  explicit ScratchFiles(std::vector<std::string> names) : names_(std::move(names)) {
    std::error_code none;
    std::string pattern = std::filesystem::exists("/dev/shm", none) ? "/dev/shm/latchkeyXXXXXX" : "/tmp/latchkeyXXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    for (const std::string& name : names_) std::filesystem::create_directories((folder_ / name).parent_path());
    scratch_ = Fd(::open(pattern.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  ScratchFiles(const ScratchFiles&) = delete;
  ScratchFiles& operator=(const ScratchFiles&) = delete;
  ~ScratchFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Writes the files and runs `body` with the scratch folder as working directory.
  template <class F>
  void run(const std::uint8_t* data, std::size_t size, F body) {
    const Fd present(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (::fchdir(scratch_.get()) != 0) std::abort();
    std::string_view rest(
        data == nullptr ? "" : std::string_view(static_cast<const char*>(static_cast<const void*>(data)), size));
    for (const std::string& name : names_) {
      const std::size_t end = rest.find('\x1e');
      const Fd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (!file || !write_all(file.get(), rest.substr(0, end))) std::abort();
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    body();
    if (::fchdir(present.get()) != 0) std::abort();
  }

 private:
  std::vector<std::string> names_;
  std::filesystem::path folder_;
  Fd scratch_;
};

}  // namespace latchkey::test
