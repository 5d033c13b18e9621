// SPDX-License-Identifier: GPL-2.0-or-later
// Checks of paths that the command line and access.conf name (spec/fwknopd-config.md 3.2).
#pragma once
#include <optional>
#include <string>

namespace latchkey::fwknopd {

enum class PathKind { regular_file, folder, executable };

struct PathProblem {
  std::string text;  ///< the peer's line about it; empty: the path is there, but is something else
};

/// Symbolic links are followed. nullopt: all is well.
std::optional<PathProblem> check_path(const std::string& path, PathKind kind);

/// Without one `/` at the end; "/" stays.
std::string drop_last_slash(std::string path);

/// Joined to the working directory when it is relative; as it is when that is unknown.
std::string make_absolute(const std::string& path);

}  // namespace latchkey::fwknopd
