// SPDX-License-Identifier: GPL-2.0-or-later
// access.conf: lines, include directives, the scope of a stanza.
#include "fwknopd/config/access_file.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "common/base/text.h"
#include "common/config/source.h"
#include "fwknopd/config/access_checks.h"
#include "fwknopd/config/access_table.h"
#include "fwknopd/config/entry.h"
#include "fwknopd/config/old_keywords.h"
#include "fwknopd/config/path_check.h"
#include "fwknopd/config/permissions.h"

namespace latchkey::fwknopd {
namespace {

constexpr unsigned most_include_levels = 3;  // the root is level 1
constexpr unsigned most_folder_levels = 4;
constexpr unsigned most_files = 100000;  // includes in two levels multiply
constexpr int line_trace_verbosity = 4;

class AccessReader {
 public:
  AccessReader(const Settings& settings, Report& report) : settings_(settings), report_(report) {}

  // Every read_* and the like is false when the reading has ended with an error.
  bool read_file(const std::string& path, const config::Place& from, unsigned level) {
    if (++files_ > most_files) return refuse_depth(from, path);
    const auto source = open_checked(path, "access file", from, report_);
    if (!source) return report_.goes_on();
    report_.tell(log::Level::debug, "Opened access file: {}", path);
    if (!std::exchange(has_begun_, true)) report_.tell(log::Level::debug, "Initialize access stanzas");

    FileState file{path, level, nullptr};
    config::LineReader reader(source->text.view(), line_policy);
    while (const auto line = reader.next()) {
      const Entry entry = parse_entry(*line, Colon::ends_keyword);
      if (entry.kind == Entry::Kind::nothing) continue;
      config::Place place{source->file, line->number, entry.keyword_column};
      if (report_.is_checking()) report_.keep_line(place, mask_line(*line, entry));
      if (entry.kind == Entry::Kind::invalid) {
        tell_invalid(*line, entry, place, Severity::fatal);
        if (!report_.goes_on()) return false;
      } else if (!use(file, *line, entry, place)) {
        return false;
      }
    }
    return end_stanza(file);
  }

  bool read_folder(const std::string& path, const config::Place& from, unsigned level) {
    const auto files = config::list_folder(path, from);
    if (!files) {
      report_.error(from, "[*] Access folder: '{}' could not be opened.", drop_last_slash(path));
      return report_.goes_on();
    }
    return std::ranges::all_of(*files, [&](const std::string& file) { return read_file(file, from, level); });
  }

  std::optional<std::vector<Stanza>> finish() {
    if (!complete_stanzas(drafts_, settings_, report_)) return std::nullopt;
    if (report_.is_checking()) advise_on_stanzas(drafts_, report_);
    std::vector<Stanza> stanzas;
    stanzas.reserve(drafts_.size());
    for (auto& draft : drafts_) {
      stanzas.push_back(std::move(draft->stanza));
      draft.reset();  // at once: thousands of both would stand side by side
    }
    return stanzas;
  }
  bool is_empty() const { return drafts_.empty(); }

 private:
  struct FileState {
    const std::string& path;
    unsigned level;
    Draft* stanza;  ///< that the keywords belong to; null before the first SOURCE of the file
  };

  bool use(FileState& file, const config::Line& line, const Entry& entry, config::Place place) {
    trace(file, line, entry);
    // Only here is a value copied: others may be keys, which no ordinary string gets.
    if (entry.keyword == "SOURCE") return begin_stanza(file, std::string(entry.value), place, entry.value_column);
    if (entry.keyword.starts_with('%')) {
      const std::string value(entry.value);
      config::Place path_place = place;
      path_place.column = entry.value_column;
      if (entry.keyword == "%include") return include_file(file, value, path_place);
      if (entry.keyword == "%include_folder") return include_folder(file, value, path_place);
      if (entry.keyword == "%include_keys") return include_keys(file, value, path_place);
    }
    if (file.stanza == nullptr) return true;
    const AccessRow* row = find_access_row(entry.keyword);
    if (row == nullptr || row->set == nullptr) {
      tell_unknown(file, entry, place);
      return true;
    }
    place.column = entry.value_column;
    AccessLine access{settings_, report_, place, entry.keyword, entry.value, *file.stanza, file.stanza->stanza};
    advise_on_placeholder(access);
    if (row->set(access)) return true;
    file.stanza->has_bad_line = true;
    return report_.goes_on();
  }

  void trace(const FileState& file, const config::Line& line, const Entry& entry) {
    if (settings_.verbosity < line_trace_verbosity || report_.is_checking()) return;
    const bool is_secret = is_secret_keyword(entry.keyword);
    report_.log().debug("ACCESS FILE: {}, LINE: {}\n\tVar: {}, Val: '{}'", file.path, mask_line(line, entry),
                        entry.keyword, is_secret ? std::string_view("***") : entry.value);
  }

  void tell_unknown(const FileState& file, const Entry& entry, const config::Place& place) {
    if (const auto advice = advice_for_old_keyword(entry.keyword)) {
      report_.warning(log::Level::error, place,
                      "[*] Ignoring unknown access parameter: '{}' in {} at line {} (fwknop 1.9: {})", entry.keyword,
                      file.path, place.line, *advice);
    } else {
      report_.warning(log::Level::error, place, "[*] Ignoring unknown access parameter: '{}' in {}", entry.keyword,
                      file.path);
    }
  }

  void advise_on_placeholder(const AccessLine& line) {
    if (report_.is_checking() && line.value.find("{{") != std::string_view::npos)
      report_.advise(line.place, fmt::format("the value of {} looks like a placeholder", line.keyword));
  }

  void tell_invalid(const config::Line& line, const Entry& entry, const config::Place& place, Severity severity) {
    const std::string shown = mask_line(line, entry);
    auto tell = [&]<class Format>(Format format) {
      if (severity == Severity::fatal) {
        report_.error(place, format, place.file->path, place.line, shown);
      } else {
        report_.warning(log::Level::error, place, format, place.file->path, place.line, shown);
      }
    };
    if (line.has_newline) {
      tell(FMT_STRING("[*] Invalid access file entry in {} at line {}.\n - '{}\n'"));
    } else {
      tell(FMT_STRING("[*] Invalid access file entry in {} at line {}.\n - '{}'"));
    }
  }

  // --- stanzas ----------------------------------------------------------------------------------------------------

  bool begin_stanza(FileState& file, const std::string& source, const config::Place& place, unsigned value_column) {
    if (!end_stanza(file)) return false;
    config::Place value_place = place;
    value_place.column = value_column;
    auto draft = std::make_unique<Draft>();
    draft->place = place;
    draft->source_place = std::move(value_place);
    draft->stanza.source_text = source;
    draft->stanza.file = file.path;
    draft->stanza.line = place.line;
    draft->stanza.fw_access_timeout = draft->stanza.max_fw_timeout = std::chrono::seconds(0);
    file.stanza = draft.get();
    drafts_.push_back(std::move(draft));
    return true;
  }

  bool end_stanza(FileState& file) {
    Draft* const draft = std::exchange(file.stanza, nullptr);
    if (draft == nullptr || draft->has_bad_line || check_stanza(*draft, settings_, report_, Severity::fatal))
      return true;
    if (!report_.is_checking()) report_.error(draft->place, "[*] Data error in access file: '{}'", file.path);
    return report_.goes_on();
  }

  // --- %include ---------------------------------------------------------------------------------------------------

  bool refuse_depth(const config::Place& place, const std::string& path) {
    report_.error(place, "[*] Refusing to go deeper than 3 levels. Lost in Limbo: '{}'", path);
    return report_.goes_on();
  }

  bool include_file(const FileState& file, const std::string& path, const config::Place& place) {
    report_.tell(log::Level::debug, "[+] Processing include directive for file: '{}'", path);
    if (file.level >= most_include_levels) return refuse_depth(place, file.path);
    return read_file(path, place, file.level + 1);
  }

  bool include_folder(const FileState& file, const std::string& path, const config::Place& place) {
    report_.tell(log::Level::debug, "[+] Processing include_folder directive for: '{}'", path);
    if (file.level >= most_folder_levels) return refuse_depth(place, file.path);
    return read_folder(path, place, file.level + 1);
  }

  bool include_keys(FileState& file, const std::string& path, const config::Place& place) {
    if (file.stanza == nullptr) return true;
    report_.tell(log::Level::debug, "[+] Processing include_keys directive for: '{}'", path);
    report_.tell(log::Level::info, "Including key file: '{}'", path);
    const bool has_keys = read_keys(*file.stanza, path, place);
    const bool is_usable = check_stanza(*file.stanza, settings_, report_, Severity::drops_stanza);
    if (has_keys && is_usable) return true;
    report_.tell(log::Level::debug, "[*] Data error in included keyfile: '{}', skipping stanza.", path);
    if (report_.is_checking())
      report_.warning(log::Level::error, place, "the stanza is dropped, because its key file '{}' is of no use", path);
    std::erase_if(drafts_, [&](const auto& draft) { return draft.get() == file.stanza; });
    file.stanza = nullptr;
    return true;
  }

  // The first bad line or value ends the key file.
  bool read_keys(Draft& draft, const std::string& path, const config::Place& from) {
    const auto source = config::open_source(path, from);
    if (!source) {
      tell_key_file_error(source.error());
      return false;
    }
    check_permissions(path, source->facts, report_);
    config::LineReader reader(source->text.view(), line_policy);
    while (const auto line = reader.next()) {
      const Entry entry = parse_entry(*line, Colon::ends_keyword);
      if (entry.kind == Entry::Kind::nothing) continue;
      const config::Place place{source->file, line->number, entry.value_column};
      if (report_.is_checking()) report_.keep_line(place, mask_line(*line, entry));
      if (entry.kind == Entry::Kind::invalid) {
        tell_invalid(*line, entry, place, Severity::drops_stanza);
        return false;
      }
      const AccessRow* row = find_access_row(entry.keyword);
      if (row == nullptr || !row->is_key_file_keyword) {
        report_.warning(log::Level::info, place, "Ignoring invalid entry: '{}'", entry.keyword);
        continue;
      }
      AccessLine access{settings_,   report_, place,        entry.keyword,
                        entry.value, draft,   draft.stanza, Severity::drops_stanza};
      if (!row->set(access)) return false;
    }
    return true;
  }

  void tell_key_file_error(const config::SourceError& error) {
    if (error.kind == config::SourceError::Kind::not_regular) {
      report_.warning(log::Level::error, error.from, "[-] file: {} is not a regular file or symbolic link.",
                      error.path);
    } else {
      report_.warning(log::Level::error, error.from, "[*] Could not open access file: {}", error.path);
      report_.print_os_error(error.os_code);
    }
  }

  const Settings& settings_;
  Report& report_;
  std::vector<std::unique_ptr<Draft>> drafts_;
  unsigned files_ = 0;
  bool has_begun_ = false;
};

}  // namespace

std::optional<std::vector<Stanza>> read_access(const Settings& settings, Report& report) {
  AccessReader reader(settings, report);
  const bool is_folder = !settings.access_folder.empty();
  if (!(is_folder ? reader.read_folder(settings.access_folder, {}, 1) : reader.read_file(settings.access_file, {}, 1)))
    return std::nullopt;
  if (reader.is_empty() && !report.has_errors()) {
    if (is_folder) {
      report.error({}, "Fatal, could not find any valid access.conf stanzas");
    } else {
      report.error({}, "[*] Could not find valid SOURCE stanza in access file: '{}'", settings.access_file);
    }
  }
  if (reader.is_empty()) return std::nullopt;
  auto stanzas = reader.finish();
  if (report.has_errors()) return std::nullopt;
  return stanzas;
}

}  // namespace latchkey::fwknopd
