// SPDX-License-Identifier: GPL-2.0-or-later
// Files read with a bound, and changed so that a crash or a full disk loses nothing.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace latchkey::os {

/// The whole file. Error: "PATH: REASON"; os_code EFBIG above the limit, EISDIR for a folder. A FIFO or device does
/// not block the opening.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes);

/// Writes beside the target, fsyncs, renames over it, fsyncs the folder: afterwards the file is the old or the new one.
/// EINVAL for a target that is no regular file, such as a device: root would take it from everybody.
Result<void> replace_file_atomically(const std::string& path, std::string_view text, mode_t mode);

/// Creates with `mode` exactly, fails with EEXIST when it is there (a symbolic link counts), fsyncs.
Result<void> create_file(const std::string& path, std::string_view text, mode_t mode);

/// Makes the folder and its missing parents with `mode`. A folder that exists is success.
Result<void> make_folders(const std::string& path, mode_t mode);

}  // namespace latchkey::os
