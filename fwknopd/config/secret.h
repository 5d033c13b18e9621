// SPDX-License-Identifier: GPL-2.0-or-later
// Secret: a key or passphrase of access.conf; moved, never copied or printed, wiped when done.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.h"

namespace latchkey::fwknopd {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : bytes_(latchkey::as_bytes(text).begin(), latchkey::as_bytes(text).end()) {}
  explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Secret() { wipe(bytes_.data(), bytes_.size()); }

  ByteView view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  Bytes bytes_;
};

}  // namespace latchkey::fwknopd
