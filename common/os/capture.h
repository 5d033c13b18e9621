// SPDX-License-Identifier: GPL-2.0-or-later
// OutputCapture: the captured streams of one child, kept up to a limit, drained beyond it.
#pragma once
#include <string>

#include "common/base/fd.h"
#include "common/os/spawn.h"

namespace latchkey::os {

class OutputCapture {
 public:
  OutputCapture(Spawned& spawned, std::size_t limit_bytes)
      : output_{std::move(spawned.output), {}},
        error_output_{std::move(spawned.error_output), {}},
        limit_(limit_bytes) {}

  int output_fd() const { return output_.fd.get(); }
  int error_fd() const { return error_output_.fd.get(); }
  bool is_open() const { return output_.fd.is_open() || error_output_.fd.is_open(); }
  /// Reads what is there; closes a stream at its end. False when `fd` was closed by this call or is none of the two.
  bool read_from(int fd);
  /// Reads what is left without waiting, closes both, moves the texts into `exit`.
  void finish(ChildExit& exit);

 private:
  struct Side {
    Fd fd;
    std::string text;
  };
  bool read_from(Side& side);

  Side output_;
  Side error_output_;
  std::size_t limit_;
  bool is_cut_ = false;
};

}  // namespace latchkey::os
