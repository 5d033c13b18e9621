// SPDX-License-Identifier: GPL-2.0-or-later
// Texts of operating-system errors.
#include "common/base/result.h"

#include <cerrno>
#include <cstring>

namespace latchkey {

Error os_error(std::string_view subject) { return os_error(subject, errno); }

Error os_error(std::string_view subject, int code) {
  const char* reason = std::strerror(code);
  if (subject.empty()) return {reason, code};
  return {std::string(subject) + ": " + reason, code};
}

}  // namespace latchkey
