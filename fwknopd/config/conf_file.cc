// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd.conf and its override files as texts.
#include "fwknopd/config/conf_file.h"

#include "config.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/config/source.h"
#include "fwknopd/config/conf_table.h"
#include "fwknopd/config/entry.h"
#include "fwknopd/config/permissions.h"

namespace latchkey::fwknopd {
namespace {

struct Expansion {
  enum class Kind { plain, resolved, unknown };
  Kind kind = Kind::plain;
  std::string value;
};

bool is_variable_byte(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }

// Only a `$` at the very beginning, before a capital or `_`; a bare `$` is an error, any other is ordinary text.
Expansion expand(std::string_view value, const ConfTexts& texts) {
  if (value == "$") return {Expansion::Kind::unknown, {}};
  if (value.size() < 2 || value[0] != '$' || !is_variable_byte(value[1]))
    return {Expansion::Kind::plain, std::string(value)};
  const auto end = std::find_if_not(value.begin() + 1, value.end(), is_variable_byte);
  const std::string_view name(value.begin() + 1, end);
  const auto row = find_conf_row(name);
  if (!row || !texts[*row]) return {Expansion::Kind::unknown, {}};
  return {Expansion::Kind::resolved, texts[*row]->value + std::string(end, value.end())};
}

// One file, whose unresolved variables wait until its end: the peer, given -c, reads it twice.
class ConfReader {
 public:
  ConfReader(ConfTexts& texts, Report& report) : texts_(texts), report_(report) {}

  bool read(const std::string& path) {
    const config::IncludeOptions options{.lines = line_policy, .on_open = [this](const config::OpenedSource& source) {
                                           check_permissions(source.file->path, source.facts, report_);
                                         }};
    const auto result = config::read_lines(path, options, [this](const config::SourceLine& line) {
      use(line);
      return true;
    });
    if (!result) {
      tell_source_error(result.error(), "config file", report_);
      return report_.goes_on() && result.error().from.file != nullptr;
    }
    resolve_waiting();
    return true;
  }

 private:
  struct Waiting {
    std::size_t row;
    ConfText text;
    std::string path;
    bool is_superseded = false;  ///< a later line sets the keyword: this one can only still be wrong
  };

  void use(const config::SourceLine& source) {
    const Entry entry = parse_entry(source.line, Colon::is_ordinary);
    if (entry.kind == Entry::Kind::nothing) return;
    const std::string& path = source.place.file->path;
    config::Place place{source.place.file, source.place.line, entry.keyword_column};
    if (report_.is_checking()) report_.keep_line(place, mask_line(source.line, entry));
    if (entry.kind == Entry::Kind::invalid) return tell_invalid(source, place);
    const auto row = find_conf_row(entry.keyword);
    if (!row) {
      report_.warning(log::Level::error, place, "[*] Ignoring unknown configuration parameter: '{}' in {}",
                      entry.keyword, path);
      return;
    }
    place.column = entry.value_column;
    for (Waiting& other : waiting_) other.is_superseded |= other.row == *row;
    Expansion expansion = expand(entry.value, texts_);
    if (expansion.kind == Expansion::Kind::unknown) {
      waiting_.push_back({*row, {std::string(entry.value), place}, path});
    } else {
      assign(*row, {std::move(expansion.value), std::move(place)});
    }
  }

  void tell_invalid(const config::SourceLine& source, const config::Place& place) {
    const std::string& path = source.place.file->path;
    const std::string_view text = source.line.is_too_long ? source.line.text.substr(0, 40) : source.line.text;
    if (source.line.has_newline) {
      report_.warning(log::Level::error, place, "*Invalid config file entry in {} at line {}.\n - '{}\n'", path,
                      place.line, text);
    } else {
      report_.warning(log::Level::error, place, "*Invalid config file entry in {} at line {}.\n - '{}'", path,
                      place.line, text);
    }
  }

  void assign(std::size_t row, ConfText text) {
    // The file that is read is what -c names; a keyword cannot change that.
    if (conf_rows()[row].text.name != "CONFIG_FILE") texts_[row] = std::move(text);
  }

  void resolve_waiting() {
    for (bool has_progress = true; has_progress;) {
      has_progress = false;
      std::erase_if(waiting_, [&](Waiting& item) {
        Expansion expansion = expand(item.text.value, texts_);
        if (expansion.kind == Expansion::Kind::unknown) return false;
        if (!item.is_superseded) assign(item.row, {std::move(expansion.value), item.text.place});
        return has_progress = true;
      });
    }
    for (const Waiting& item : waiting_) {
      if (report_.is_checking()) {
        report_.warning(log::Level::error, item.text.place, "Invalid embedded variable in: '{}'", item.text.value);
        continue;
      }
      report_.warning(log::Level::error, item.text.place, "[*] Invalid embedded variable in: '{}'", item.text.value);
      report_.warning(log::Level::error, item.text.place, "[*] Ignoring unknown configuration parameter: '{}' in {}",
                      conf_rows()[item.row].text.name, item.path);
    }
  }

  ConfTexts& texts_;
  Report& report_;
  std::vector<Waiting> waiting_;
};

}  // namespace

bool read_conf_file(const std::string& path, ConfTexts& texts, Report& report) {
  return ConfReader(texts, report).read(path);
}

std::optional<ConfTexts> read_conf(const std::string& path, const std::optional<std::string>& overrides,
                                   Report& report) {
  ConfTexts texts(conf_rows().size());
  texts[conf_row("CONFIG_FILE")] = ConfText{path, {}};
  texts[conf_row("FIREWALL_EXE")] = ConfText{FIREWALL_EXE, {}};
  if (!read_conf_file(path, texts, report)) return std::nullopt;
  std::optional<ConfText>& list = texts[conf_row("OVERRIDE_CONFIG")];
  if (overrides) list = ConfText{*overrides, {}};
  if (!list) return texts;
  const ConfText chosen = *list;
  for (const std::string_view item : split(chosen.value, ','))
    if (!read_conf_file(std::string(strip(item)), texts, report)) return std::nullopt;
  list = chosen;  // overrides named in an override file are not followed
  return texts;
}

}  // namespace latchkey::fwknopd
