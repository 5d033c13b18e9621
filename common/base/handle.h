// SPDX-License-Identifier: GPL-2.0-or-later
// Owning pointers for C resources, at the size of the pointer.
#pragma once
#include <memory>
#include <utility>

namespace latchkey {

/// `using Pcap = std::unique_ptr<pcap_t, Deleter<pcap_close>>;`
template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};

/// Runs `action` when the scope ends, for the rare one-off that has no handle type.
template <class F>
class [[nodiscard]] Defer {
 public:
  explicit Defer(F action) : action_(std::move(action)) {}
  Defer(const Defer&) = delete;
  Defer& operator=(const Defer&) = delete;
  ~Defer() { action_(); }

 private:
  F action_;
};

}  // namespace latchkey
