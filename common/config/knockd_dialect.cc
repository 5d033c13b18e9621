// SPDX-License-Identifier: GPL-2.0-or-later
// knockd.conf to canonical INI and back. Keys are "l<ordinal>.<key>[.<part>]", values "v:" and escaped text.
#include "common/config/knockd_dialect.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/text.h"
#include "common/config/ini_file.h"

namespace latchkey::config {
namespace {

// iniparser fails a whole file at 1,022 bytes a line; the key takes the rest.
constexpr std::size_t max_part_bytes = 800;
constexpr std::size_t max_key_bytes = 64;
constexpr std::size_t keys_a_piece = 100;  // iniparser's tables grow from 128 entries on
constexpr std::size_t ordinal_digits = 8;
constexpr std::string_view value_mark = "v:";

struct Problem {
  std::string_view name;
  KnockdEntry::Kind kind;
};
constexpr auto problems = std::to_array<Problem>({
    {"nosection", KnockdEntry::Kind::outside_section},
    {"badname", KnockdEntry::Kind::bad_section_name},
    {"syntax", KnockdEntry::Kind::syntax_error},
});

bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// Cut between codes into parts that iniparser takes.
std::vector<std::string> encode(std::string_view value) {
  std::vector<std::string> parts{std::string(value_mark)};
  for (const char c : value) {
    if (parts.back().size() + 3 > max_part_bytes) parts.emplace_back(value_mark);
    if (is_alphanumeric(c) || std::string_view("_.,/-").find(c) != std::string_view::npos) {
      parts.back() += c;
    } else {
      parts.back() += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return parts;
}

std::optional<std::string> decode(std::string_view text) {
  if (!text.starts_with(value_mark)) return std::nullopt;
  text.remove_prefix(value_mark.size());
  std::string value;
  while (!text.empty()) {
    if (text[0] != '%') {
      value += text[0];
      text.remove_prefix(1);
      continue;
    }
    const auto code = text.size() < 3 ? std::nullopt : parse_hex(text.substr(1, 2));
    if (!code) return std::nullopt;
    value += static_cast<char>((*code)[0]);
    text.remove_prefix(3);
  }
  return value;
}

bool is_plain_word(std::string_view key) {
  return !key.empty() && key.size() <= max_key_bytes &&
         std::ranges::all_of(key, [](char c) { return is_alphanumeric(c) || c == '_'; });
}

unsigned column_of(std::string_view part, const Line& line) {
  return static_cast<unsigned>(part.data() - line.text.data()) + 1;
}

std::string_view without_byte_order_mark(const Place& place, std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  if (place.line == 1 && text.starts_with(mark)) text.remove_prefix(mark.size());
  return text;
}

}  // namespace

std::string KnockdCanonicaliser::line_key() const {
  return fmt::format("l{:0{}}", canonical_.sources.size(), ordinal_digits);
}

void KnockdCanonicaliser::emit(std::string_view key, std::string_view value) {
  const auto parts = encode(value);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string suffix = parts.size() == 1 ? "" : fmt::format(".{:03}", i);
    // With quotes iniparser understands a line at its first attempt of three.
    piece().ini.append(key).append(suffix).append(" = \"").append(parts[i]).append("\"\n");
    ++piece().keys;
  }
}

bool KnockdCanonicaliser::emit_error(std::string_view problem) {
  emit(line_key() + ".error", problem);
  return false;
}

void KnockdCanonicaliser::begin_piece() {
  canonical_.pieces.emplace_back();
  if (sections_ > 0) piece().ini = fmt::format("[s{:04}]\n", sections_);
}

void KnockdCanonicaliser::open_section(std::string_view kind, std::string_view name) {
  piece().ini += fmt::format("[s{:04}]\n", ++sections_);
  emit(line_key() + ".kind", kind);
  emit(line_key() + ".name", name);
}

bool KnockdCanonicaliser::take(const Place& place, const Line& line) {
  const std::string_view text = strip(without_byte_order_mark(place, line.text));
  if (text.empty() || text[0] == '#') return true;
  canonical_.sources.push_back({place, column_of(text, line)});
  if (canonical_.pieces.empty() || piece().keys >= keys_a_piece) begin_piece();
  const bool is_header = text.front() == '[' && text.back() == ']' && text.size() > 1;
  if (sections_ == 0 && !is_header) {
    piece().ini += "[s0000]\n";
    return emit_error("nosection");
  }
  if (line.is_too_long || line.has_nul) {
    if (sections_ == 0) piece().ini += "[s0000]\n";
    return emit_error("syntax");
  }
  if (is_header) {
    const std::string_view name = text.substr(1, text.size() - 2);
    canonical_.sources.back().value_column = column_of(name, line);
    open_section(name == "options" ? "options" : "door", name);
    return name.empty() ? emit_error("badname") : true;
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    if (!equals_ignoring_case(text, "usesyslog")) return emit_error("syntax");
    emit(line_key() + ".usesyslog", "");
    return true;
  }
  const std::string_view key = strip_right(text.substr(0, equals));
  const std::string_view value = strip_left(text.substr(equals + 1));
  canonical_.sources.back().value_column = column_of(value, line);
  emit(line_key() + ".d_" + (is_plain_word(key) ? to_lower(key) : "unknown"), value);
  return true;
}

namespace {

/// "l00000005.d_command.001" taken apart.
struct CanonicalKey {
  std::size_t ordinal = 0;
  std::string_view name;
  bool continues = false;  ///< a later part of the same value
};

std::optional<CanonicalKey> parse_key(std::string_view key, std::size_t lines) {
  const auto parts = split(key, '.');
  if (parts.size() < 2 || parts.size() > 3 || !parts[0].starts_with('l')) return std::nullopt;
  const auto ordinal = parse_number<std::size_t>(parts[0].substr(1), 1, lines);
  if (!ordinal) return std::nullopt;
  return CanonicalKey{*ordinal, parts[1], parts.size() == 3 && parts[2] != "000"};
}

std::optional<KnockdEntry> make_entry(const CanonicalKey& key, std::string value) {
  KnockdEntry entry;
  if (key.name == "name") {
    entry.kind = KnockdEntry::Kind::section;
  } else if (key.name == "usesyslog") {
    entry.kind = KnockdEntry::Kind::keyword;
  } else if (key.name == "error") {
    const auto* const found = std::ranges::find(problems, value, &Problem::name);
    if (found == problems.end()) return std::nullopt;
    entry.kind = found->kind;
    return entry;
  } else if (key.name.starts_with("d_")) {
    entry.key = key.name.substr(2);
  } else {
    return std::nullopt;
  }
  entry.text = std::move(value);
  return entry;
}

/// Appends the entries of one piece. False: something was lost.
bool append_entries(const IniFile& ini, const CanonicalKnockdText& canonical, std::vector<KnockdEntry>& entries) {
  for (const IniFile::Entry& stored : ini.entries()) {
    const auto key = parse_key(stored.key, canonical.sources.size());
    auto value = decode(stored.value);
    if (!key || !value) return false;
    if (key->name == "kind") continue;
    if (key->continues) {
      if (entries.empty()) return false;
      entries.back().text += *value;
      continue;
    }
    auto entry = make_entry(*key, std::move(*value));
    if (!entry) return false;
    const auto& source = canonical.sources[key->ordinal - 1];
    entry->place = source.place;
    entry->place.column = source.value_column;
    entries.push_back(std::move(*entry));
  }
  return true;
}

}  // namespace

Result<std::vector<KnockdEntry>> read_canonical_knockd_text(const CanonicalKnockdText& canonical) {
  std::vector<KnockdEntry> entries;
  for (const CanonicalKnockdText::Piece& piece : canonical.pieces) {
    const auto ini = IniFile::load(piece.ini, "knockd.conf");
    if (!ini) return fail(Error{"internal error: " + ini.error().text});
    if (ini->entries().size() != piece.keys || !append_entries(*ini, canonical, entries))
      return fail(Error{"internal error: a line was lost while reading the configuration"});
  }
  return entries;
}

Result<std::vector<KnockdEntry>, KnockdFileError> read_knockd_file(const std::string& path) {
  KnockdCanonicaliser canonicaliser;
  const IncludeOptions options{.lines = {.limit_bytes = max_knockd_line_bytes}};
  const auto read = read_lines(path, options,
                               [&](const SourceLine& source) { return canonicaliser.take(source.place, source.line); });
  if (!read) return fail(KnockdFileError{read.error()});
  auto entries = read_canonical_knockd_text(canonicaliser.release());
  if (!entries) return fail(KnockdFileError{entries.error()});
  return std::move(entries).value();
}

}  // namespace latchkey::config
