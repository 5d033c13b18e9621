// SPDX-License-Identifier: GPL-2.0-or-later
// Result<T, E>: a value or the reason why there is none. Errors are values; bad input never throws.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace latchkey {

/// What the operating system or a library refused: a text that names the thing ("/etc/x: Permission denied")
/// and, when errno was the reason, its value (else 0).
struct Error {
  std::string text;
  int os_code = 0;
};

/// "SUBJECT: STRERROR" of `code` (default: errno at the call). An empty subject gives only the errno text.
Error os_error(std::string_view subject);
Error os_error(std::string_view subject, int code);

template <class E>
struct Failure {
  E error;
};
/// `return fail(Error{...});` makes a failed Result of any value type.
template <class E>
Failure<std::decay_t<E>> fail(E&& error) {
  return {std::forward<E>(error)};
}

/// Reading the side that is not there is a bug of the caller and throws std::bad_variant_access.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <class F>
  Result(Failure<F> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  T value_or(T fallback) && { return ok() ? std::get<0>(std::move(state_)) : std::move(fallback); }

  const E& error() const& { return std::get<1>(state_); }
  E error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  template <class F>
  Result(Failure<F> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}
  explicit operator bool() const { return ok(); }
  bool ok() const { return state_.index() == 0; }
  const E& error() const& { return std::get<1>(state_); }

 private:
  std::variant<std::monostate, E> state_;
};

/// For std::visit over a variant with one lambda a kind. The guide is written out for clang 14.
template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace latchkey
