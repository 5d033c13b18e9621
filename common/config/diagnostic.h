// SPDX-License-Identifier: GPL-2.0-or-later
// Where a piece of configuration stands, and what is wrong with it.
#pragma once
#include <memory>
#include <string>

namespace latchkey::config {

struct SourceFile;

/// Lines and columns count from 1, columns in bytes; 0 = not known. `file` is null for what stands in no file.
struct Place {
  std::shared_ptr<const SourceFile> file;
  unsigned line = 0;
  unsigned column = 0;
};

struct SourceFile {
  std::string path;     ///< as it was named
  Place included_from;  ///< of the %include line; no file for a root
};

enum class Severity { warning, error };

struct Diagnostic {
  Severity severity = Severity::error;
  Place place;
  std::string text;
  std::string source_line;  ///< the offending line, secrets already masked; empty = not shown
};

/// `file:line:column: error: text (included from a.conf:3, b.conf:7)`, without a newline at the end. `with_caret` adds
/// the offending line and a line with a caret under the column, for terminals. Control characters are escaped.
std::string format_diagnostic(const Diagnostic& diagnostic, bool with_caret);

}  // namespace latchkey::config
