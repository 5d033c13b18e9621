// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the output of a child without letting it block or grow.
#include "common/os/capture.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace latchkey::os {
namespace {

/// Reads of one call: a child that writes without end must not keep the loop.
constexpr int reads_per_call = 16;

}  // namespace

bool OutputCapture::read_from(int fd) {
  if (fd < 0) return false;
  if (fd == output_.fd.get()) return read_from(output_);
  if (fd == error_output_.fd.get()) return read_from(error_output_);
  return false;
}

bool OutputCapture::read_from(Side& side) {
  std::array<char, 16384> chunk;
  for (int i = 0; i < reads_per_call; ++i) {
    const ssize_t got = ::read(side.fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) {
      if (got < 0) is_cut_ = true;
      side.fd.close();
      return false;
    }
    const auto size = static_cast<std::size_t>(got);
    const std::size_t kept = std::min(size, limit_ - side.text.size());
    side.text.append(chunk.data(), kept);
    if (kept < size) is_cut_ = true;
  }
  return true;
}

void OutputCapture::finish(ChildExit& exit) {
  for (Side* side : {&output_, &error_output_}) {
    if (side->fd) read_from(*side);
    side->fd.close();
  }
  exit.output = std::move(output_.text);
  exit.error_output = std::move(error_output_.text);
  exit.is_output_cut = is_cut_;
}

}  // namespace latchkey::os
