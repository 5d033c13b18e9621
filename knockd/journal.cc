// SPDX-License-Identifier: GPL-2.0-or-later
// Pending stop commands in an append-only file.
#include "knockd/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/bytes.h"
#include "common/base/text.h"
#include "common/os/files.h"

namespace latchkey::knockd {
namespace {

constexpr std::size_t max_journal_bytes = std::size_t{256} << 20;
constexpr std::size_t most_dead_lines = 200;
constexpr std::string_view header_start = "# pending stop commands of knockd; boot ";

bool is_plain(char c) { return is_printable(c) && c != ' ' && c != '%'; }

/// One word, never empty: blanks, '%' and unprintable bytes as %HH, behind a dot.
std::string encode(std::string_view text) {
  std::string word = ".";
  for (const char c : text)
    word += is_plain(c) ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return word;
}

std::optional<std::string> decode(std::string_view word) {
  if (!word.starts_with('.')) return std::nullopt;
  std::string text;
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (word[i] != '%') {
      text += word[i];
      continue;
    }
    const auto code = i + 2 < word.size() ? parse_hex(word.substr(i + 1, 2)) : std::nullopt;
    if (!code) return std::nullopt;
    text += static_cast<char>((*code)[0]);
    i += 2;
  }
  return text;
}

std::optional<MonotonicTime> parse_time(std::string_view text) {
  const auto value = parse_number<std::int64_t>(text, 0);
  if (!value) return std::nullopt;
  return MonotonicTime(std::chrono::microseconds(*value));
}

void apply_line(std::string_view line, PendingStops& stops) {
  const auto words = split(line, ' ');
  const auto id = words.size() < 2 ? std::nullopt : parse_number<std::uint64_t>(words[1], 1);
  if (!id) return;
  if (words[0] == "-" && words.size() == 2) stops.erase(*id);
  if (words[0] == "=" && words.size() == 3 && stops.contains(*id)) {
    if (const auto due = parse_time(words[2])) stops[*id].due = *due;
  }
  if (words[0] != "+" || words.size() != 7) return;
  const auto due = parse_time(words[2]);
  const auto timeout = parse_number<std::int32_t>(words[3], 0);
  auto door = decode(words[4]);
  const auto source = net::parse_ip_address(words[5]);
  auto command = decode(words[6]);
  if (due && timeout && door && source && command)
    stops[*id] = {*due, *timeout, std::move(*door), *source, std::move(*command)};
}

std::string format_removed(std::uint64_t id) { return fmt::format("- {}", id); }

}  // namespace

PendingStops parse_journal(std::string_view text) {
  PendingStops stops;
  for (const std::string_view line : split(text, '\n')) apply_line(line, stops);
  return stops;
}

std::string format_added(std::uint64_t id, const PendingStop& stop) {
  return fmt::format("+ {} {} {} {} {} {}", id, stop.due.time_since_epoch().count(), stop.timeout_s, encode(stop.door),
                     net::format_ip_address(stop.source), encode(stop.command));
}

Result<StopJournal> StopJournal::open(const std::string& folder, const std::string& name, std::string_view boot_id) {
  if (auto made = os::make_folders(folder, 0755); !made) return fail(made.error());
  const std::string path = folder + "/" + name;
  // Commands may hold secrets, hence 0600; the lock is a file of its own, because the journal is replaced.
  Fd lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  if (!lock) return fail(os_error(path + ".lock"));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    Error error = os_error(path);
    if (error.os_code == EWOULDBLOCK) error.text = path + ": in use by another knockd";
    return fail(error);
  }
  const std::string header = fmt::format("{}{}", header_start, boot_id);
  auto log = os::AppendLog::open(path, {.mode = 0600, .header = header});
  if (!log) return fail(log.error());
  const auto text = log->read(max_journal_bytes);
  if (!text) return fail(text.error());

  StopJournal journal(std::move(*log), std::move(lock));
  journal.header_ = header;
  // Numbered anew: there is always a next number.
  for (auto& [id, stop] : parse_journal(*text)) journal.live_[journal.next_id_++] = std::move(stop);
  const std::string_view found_header = std::string_view(*text).substr(0, text->find('\n'));
  if (found_header != header)
    for (auto& [id, stop] : journal.live_) stop.due = {};
  journal.left_behind_ = journal.live_;
  // What is pending is known even if the disk is full: it is run, and written later.
  journal.trouble_ = journal.rewrite();
  return journal;
}

Result<void> StopJournal::rewrite() {
  std::string text = header_ + "\n";
  for (const auto& [id, stop] : live_) text += format_added(id, stop) + "\n";
  // The log notices that its file was replaced.
  auto replaced = os::replace_file_atomically(log_.path(), text, 0600);
  is_behind_ = !replaced;
  if (replaced) dead_lines_ = 0;
  return replaced;
}

/// `line` is about what `live_` holds already: after a failure the next one writes all of it.
Result<void> StopJournal::append(const std::string& line) {
  if (is_behind_) return rewrite();
  auto appended = log_.append(line);
  is_behind_ = !appended;
  return appended;
}

Result<void> StopJournal::add(std::uint64_t id, const PendingStop& stop) {
  live_[id] = stop;
  return append(format_added(id, stop));
}

Result<void> StopJournal::set_due(std::uint64_t id, MonotonicTime due) {
  live_[id].due = due;
  ++dead_lines_;
  return append(fmt::format("= {} {}", id, due.time_since_epoch().count()));
}

Result<void> StopJournal::remove(std::uint64_t id) {
  live_.erase(id);
  dead_lines_ += 2;
  if (dead_lines_ > most_dead_lines && dead_lines_ > 4 * live_.size()) return rewrite();
  return append(format_removed(id));
}

void StopJournal::delete_if_empty() {
  if (!live_.empty()) return;
  ::unlink(log_.path().c_str());
  ::unlink((log_.path() + ".lock").c_str());
}

std::string read_boot_id() {
  const auto text = os::read_file("/proc/sys/kernel/random/boot_id", 4096);
  return text ? std::string(strip(*text)) : std::string();
}

std::string journal_name(std::string_view config_path, std::string_view interfaces) {
  std::string name = "knockd";
  for (const char c : fmt::format("-{}-{}", config_path, interfaces)) {
    const bool is_plain_letter =
        is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
    name += is_plain_letter ? c : '_';
  }
  // Long paths are told apart by a hash (FNV-1a) of what is cut off.
  constexpr std::size_t longest = 180;
  if (name.size() > longest) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    name = fmt::format("{}-{:016x}", name.substr(0, longest), hash);
  }
  return name + ".pending";
}

}  // namespace latchkey::knockd
