// SPDX-License-Identifier: GPL-2.0-or-later
// What the user types: lines of a descriptor, and keys from the controlling terminal (spec/fwknop-client.md 7.4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/secret.h"

namespace latchkey::fwknop {

/// One line without its newline, read byte by byte so that nothing behind it is lost to the next reader. nullopt: end
/// of file before the first byte.
std::optional<std::string> read_line(int fd);

/// The editing rules of a typed key, byte by byte.
class KeyLine {
 public:
  static constexpr std::size_t longest = 127;
  enum class State { open, complete, interrupted };

  /// `is_terminal`: 0x03 interrupts and 0x7f is a backspace (D16); else 0x03 ends the line and empties the key.
  explicit KeyLine(bool is_terminal) : is_terminal_(is_terminal), key_(longest) {}
  State add(char byte);
  crypto::SecretBytes take();

 private:
  bool is_terminal_;
  crypto::SecretBytes key_;
  std::size_t size_ = 0;
};

/// One key line of `fd`; nullopt: the end of file was there already. Error: the lines for standard error.
Result<std::optional<crypto::SecretBytes>> read_key(int fd);

/// Asks on /dev/tty, without echo. Whatever happens, the terminal gets its settings back. Error: the line for standard
/// error when there is no terminal; empty when Ctrl-C was typed.
Result<crypto::SecretBytes> ask_for_key(std::string_view prompt);

}  // namespace latchkey::fwknop
