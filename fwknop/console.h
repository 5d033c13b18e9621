// SPDX-License-Identifier: GPL-2.0-or-later
// Console: the client's two output streams and its verbosity levels (spec/fwknop-client.md 1.3).
#pragma once
#include <fmt/core.h>

#include <string>
#include <string_view>

namespace latchkey::fwknop {

/// One message is one call; no prefix, no time stamp. Standard output is collected and written before every error
/// line, child process and prompt, and at the end.
class Console {
 public:
  explicit Console(int output_fd = 1, int error_fd = 2) : output_fd_(output_fd), error_fd_(error_fd) {}
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console() { flush(); }

  /// The number of -v: info shows from 1, debug from 2.
  int verbosity = 0;

  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    error_text(fmt::format(format, std::forward<Args>(args)...) + "\n");
  }
  template <class... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    output_text(fmt::format(format, std::forward<Args>(args)...) + "\n");
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    if (verbosity >= 1) print(format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (verbosity >= 2) print(format, std::forward<Args>(args)...);
  }

  /// Text that already ends its lines.
  void output_text(std::string_view text) { pending_ += text; }
  void error_text(std::string_view text);
  void flush();

 private:
  int output_fd_;
  int error_fd_;
  std::string pending_;
};

}  // namespace latchkey::fwknop
