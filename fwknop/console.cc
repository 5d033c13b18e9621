// SPDX-License-Identifier: GPL-2.0-or-later
// Console: the client's two output streams and its verbosity levels (spec/fwknop-client.md 1.3).
#include "fwknop/console.h"

#include "common/base/bytes.h"
#include "common/base/fd.h"

namespace latchkey::fwknop {

void Console::error_text(std::string_view text) {
  flush();
  // A stream that cannot be written to leaves nobody to tell.
  static_cast<void>(write_all(error_fd_, text).ok());
}

void Console::flush() {
  if (pending_.empty()) return;
  static_cast<void>(write_all(output_fd_, pending_).ok());
  // Keys that -k prints pass through here.
  wipe(pending_);
  pending_.clear();
}

}  // namespace latchkey::fwknop
