// SPDX-License-Identifier: GPL-2.0-or-later
// The replay cache file: checks, rotation, loading, appending.
#include "fwknopd/digest_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/base/text.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t largest_file_bytes = std::size_t{4} << 30;
/// Shorter lines do not exist; used to reserve room.
constexpr std::size_t line_bytes = 80;

std::string reason_of(int code) { return os_error({}, code).text; }

}  // namespace

void DigestStore::open(const Settings& settings, bool rotates) {
  file_.reset();
  if (!settings.digest_persistence) return;
  const std::string& path = settings.digest_file;
  if (rotates) rotate(path);
  const auto count = check_file(path) ? load(path, settings.verbosity) : std::nullopt;
  if (!count) log_.warning(text::cache_off);
  if (settings.verbosity >= 1) {
    log_.error(text::cache_count, path, count ? static_cast<long long>(*count) : -1LL);
  }
}

bool DigestStore::rotate(const std::string& path) {
  log_.info(text::cache_rotating);
  if (std::rename(path.c_str(), (path + "-old").c_str()) == 0) return true;
  log_.error(text::cache_not_rotated, path, path, reason_of(errno));
  return false;
}

/// Only what is fatal ends it; wrong permissions are told of and used.
bool DigestStore::check_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return true;
    log_.warning(text::cache_no_permission, path, reason_of(errno));
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    log_.warning(text::cache_not_regular, path);
    return false;
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    log_.warning(text::cache_no_permission, path, reason_of(errno));
    return false;
  }
  if ((status.st_mode & 0777) != 0600) log_.warning(text::cache_bad_mode, path);
  if (status.st_uid != ::geteuid()) log_.warning(text::cache_foreign_owner, path);
  return true;
}

std::optional<std::size_t> DigestStore::load(const std::string& path, int verbosity) {
  struct stat status {};
  const bool is_new = ::lstat(path.c_str(), &status) != 0;
  os::AppendLogOptions options;
  options.header = std::string(replay_file_header);
  options.follow_symlink = !is_new && S_ISLNK(status.st_mode);
  auto file = os::AppendLog::open(path, options);
  if (!file) {
    const std::string reason = reason_of(file.error().os_code);
    if (is_new) {
      log_.warning(text::cache_not_created, path, reason);
    } else {
      log_.warning(text::cache_not_opened, path, reason);
    }
    return std::nullopt;
  }
  const auto contents = file->read(largest_file_bytes);
  if (!contents) {
    log_.warning(text::cache_not_opened, path, reason_of(contents.error().os_code));
    return std::nullopt;
  }
  file_ = std::move(*file);
  return read_lines(path, *contents, verbosity);
}

std::size_t DigestStore::read_lines(const std::string& path, std::string_view text, int verbosity) {
  std::size_t count = 0;
  unsigned line_number = 0;
  cache_.reserve(cache_.size() + text.size() / line_bytes);
  std::array<ReplayEntry, 32> waiting;
  std::size_t waiting_count = 0;
  const auto add_waiting = [&] {
    for (std::size_t i = 0; i < waiting_count; ++i) cache_.add(waiting[i]);
    waiting_count = 0;
  };
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++line_number;
    const ReplayLine parsed = parse_replay_line(line);
    if (parsed.kind == ReplayLine::Kind::skipped) continue;
    if (parsed.kind == ReplayLine::Kind::bad) {
      log_.write(log::Level::info, fmt::format("*Skipping invalid digest file entry in {} at line {}.\n - {}\n", path,
                                               line_number, log::escape_controls(line)));
      continue;
    }
    ++count;
    if (verbosity > 3) log_.debug(text::cache_valid_line, path, line);
    if (parsed.kind != ReplayLine::Kind::entry) continue;
    cache_.announce(parsed.entry.digest);
    waiting[waiting_count++] = parsed.entry;
    if (waiting_count == waiting.size()) add_waiting();
  }
  add_waiting();
  return count;
}

bool DigestStore::remember(const ReplayEntry& entry) {
  cache_.add(entry);
  if (!file_) return true;
  const auto written = file_->append(format_replay_line(entry));
  if (written) return true;
  log_.warning(text::cache_not_opened, file_->path(), reason_of(written.error().os_code));
  return false;
}

}  // namespace latchkey::fwknopd
