// SPDX-License-Identifier: GPL-2.0-or-later
// knockd.conf's dialect of INI, which is wider than iniparser's: lines are made canonical, read by iniparser, and given
// back byte for byte and in order (spec/knockd.md 2.1, 2.2 and 3).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/config/diagnostic.h"
#include "common/config/line_reader.h"
#include "common/config/source.h"

namespace latchkey::config {

/// Section and directive lines are at most this long, without their newline.
inline constexpr std::size_t max_knockd_line_bytes = 4095;

/// One meaningful line.
struct KnockdEntry {
  enum class Kind {
    section,    ///< `text` is the name between the brackets
    directive,  ///< `key` in lower case ("unknown" when it is no plain word), `text` is the value
    keyword,    ///< bare UseSyslog
    outside_section,
    bad_section_name,
    syntax_error,
  };
  Kind kind = Kind::directive;
  Place place;  ///< the column is that of `text`
  std::string key;
  std::string text;
};

/// The canonical form of a file, and what is needed to undo it.
struct CanonicalKnockdText {
  struct Source {
    Place place;  ///< of the line
    unsigned value_column = 0;
  };
  /// iniparser compares each new key with all before it, so a long file is given to it in pieces.
  struct Piece {
    std::string ini;
    std::size_t keys = 0;  ///< emitted into `ini`
  };
  std::vector<Piece> pieces;
  std::vector<Source> sources;  ///< of the lines by their ordinal - 1
};

/// Takes lines in order; ignores the rest after the first line in error.
class KnockdCanonicaliser {
 public:
  /// False: a line in error has been recorded, nothing more is taken.
  bool take(const Place& place, const Line& line);
  CanonicalKnockdText release() { return std::move(canonical_); }

 private:
  CanonicalKnockdText::Piece& piece() { return canonical_.pieces.back(); }
  void begin_piece();
  void open_section(std::string_view kind, std::string_view name);
  bool emit_error(std::string_view problem);
  void emit(std::string_view key, std::string_view value);
  std::string line_key() const;

  CanonicalKnockdText canonical_;
  unsigned sections_ = 0;
};

/// Undoes the canonical form. Error: iniparser lost or refused something, which is a bug.
Result<std::vector<KnockdEntry>> read_canonical_knockd_text(const CanonicalKnockdText& canonical);

/// What kept a file from being read: the file (or one that it includes), or an internal fault.
using KnockdFileError = std::variant<SourceError, Error>;

/// All entries of a file and of what it includes; an entry of one of the three error kinds is the last one.
Result<std::vector<KnockdEntry>, KnockdFileError> read_knockd_file(const std::string& path);

}  // namespace latchkey::config
