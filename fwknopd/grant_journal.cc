// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of the journal, and the file that holds them.
#include "fwknopd/grant_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/os/files.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t largest_file_bytes = 64 * 1024 * 1024;
/// The file is written anew when it has this many lines about things that are over.
constexpr std::size_t most_dead_lines = 4096;
constexpr std::uint64_t largest_id = std::uint64_t{1} << 62;  // no line of ours: the next one would have no number

std::string or_dash(const std::optional<net::IpAddress>& address) {
  return address ? net::format_ip_address(*address) : "-";
}

/// Blank-separated fields, front to back; any failure makes the whole line invalid.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}
  bool is_valid() const { return is_valid_; }
  std::string_view rest() const { return rest_; }
  std::string_view text() {
    const auto field = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(std::min(rest_.size(), field.size() + 1));
    if (field.empty()) is_valid_ = false;
    return field;
  }
  template <class T>
  T number(T least = std::numeric_limits<T>::min(), T most = std::numeric_limits<T>::max()) {
    const auto value = parse_number<T>(text(), least, most);
    if (!value) is_valid_ = false;
    return value.value_or(T{});
  }
  std::optional<net::IpAddress> address_or_dash() {
    const auto field = text();
    if (field == "-") return std::nullopt;
    const auto address = net::parse_ip_address(field);
    if (!address) is_valid_ = false;
    return address;
  }
  net::IpAddress address() {
    const auto value = address_or_dash();
    if (!value) is_valid_ = false;
    return value.value_or(net::IpAddress());
  }

 private:
  std::string_view rest_;
  bool is_valid_ = true;
};

std::int64_t microseconds(MonotonicTime time) { return time.time_since_epoch().count(); }

/// "UNIX BOOT SINCE_BOOT"
std::string format_due(std::int64_t unix_s, MonotonicTime due, const JournalTime& now) {
  return fmt::format("{} {} {}", unix_s, now.boot_id, microseconds(due));
}

struct Due {
  std::int64_t unix_s = 0;
  MonotonicTime due;
};

Due take_due(Fields& fields, const JournalTime& now) {
  Due due;
  due.unix_s = fields.number<std::int64_t>();
  const auto boot_id = fields.text();
  // What was due before this boot is negative. Half the range, so that two of them have a distance.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  const auto since_boot = fields.number<std::int64_t>(-most, most);
  if (boot_id == now.boot_id) {
    due.due = MonotonicTime(std::chrono::microseconds(since_boot));
  } else {
    due.due = now.monotonic +
              std::chrono::duration_cast<std::chrono::microseconds>(from_epoch_seconds(due.unix_s) - now.wall);
  }
  return due;
}

OpenRule take_rule(Fields& fields, const JournalTime& now) {
  OpenRule open;
  const Due due = take_due(fields, now);
  open.due = due.due;
  Rule& rule = open.rule;
  rule.expires_at_s = due.unix_s;
  rule.kind = static_cast<RuleKind>(fields.number<unsigned>(0, static_cast<unsigned>(RuleKind::snat_all)));
  rule.slot = static_cast<Slot>(fields.number<unsigned>(0, static_cast<unsigned>(Slot::masquerade)));
  rule.allowed = fields.address();
  rule.destination = fields.address_or_dash();
  rule.service.protocol = fields.number<unsigned>() == 17 ? Protocol::udp : Protocol::tcp;
  rule.service.port = fields.number<std::uint16_t>();
  const auto nat = fields.address_or_dash();
  const auto nat_port = fields.number<std::uint16_t>();
  if (nat) rule.nat = Endpoint{*nat, nat_port};
  rule.source = fields.address_or_dash();
  const auto source_port = fields.number<std::uint16_t>();
  if (source_port != 0) rule.source_port = source_port;
  open.number = fields.number<unsigned>();
  rule.services_text = std::string(fields.text());
  return open;
}

PendingClose take_close(Fields& fields, const JournalTime& now) {
  PendingClose close;
  const Due due = take_due(fields, now);
  close.due_s = due.unix_s;
  close.due = due.due;
  close.allowed = fields.address();
  close.stanza_number = fields.number<unsigned>();
  close.command = std::string(fields.rest());
  return close;
}

EnteredPlace take_place(Fields& fields) {
  EnteredPlace entered;
  RulePlace& place = entered.place;
  place.kind = static_cast<FirewallKind>(fields.number<unsigned>(0, static_cast<unsigned>(FirewallKind::pf)));
  place.table = std::string(fields.text());
  place.from_chain = std::string(fields.text());
  place.name = std::string(fields.text());
  place.exe = std::string(fields.rest());
  return entered;
}

/// Its fields come back as they are.
bool is_writable(const RulePlace& place) {
  const auto is_word = [](const std::string& text) { return !text.empty() && std::ranges::none_of(text, is_blank); };
  return is_word(place.table) && is_word(place.from_chain) && is_word(place.name) && !place.exe.empty() &&
         place.exe.find('\n') == std::string::npos;
}

template <class T>
void erase_id(std::vector<T>& items, std::uint64_t id) {
  std::erase_if(items, [id](const T& item) { return item.id == id; });
}

/// Commands stand in the file, and rules: nobody else may have written it.
Result<std::string> read_own_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status {};
  const bool is_link = !fd && errno == ELOOP;
  if (!is_link && (!fd || ::fstat(fd.get(), &status) != 0)) return fail(os_error(path));
  const bool is_others = S_ISREG(status.st_mode) && (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0);
  if (is_link || is_others) return fail(Error{path + ": not a file of ours alone", EPERM});
  auto text = read_all(fd.get(), largest_file_bytes);
  if (!text) return fail(os_error(path, text.error().os_code));
  return *std::move(text);
}

}  // namespace

JournalTime journal_time(const Clock& clock) {
  const auto boot_id = os::read_file("/proc/sys/kernel/random/boot_id", 100);
  return {clock.wall(), clock.monotonic(), boot_id ? std::string(strip(*boot_id)) : std::string("unknown")};
}

std::string format_journal_line(const OpenRule& open, const JournalTime& now) {
  const Rule& rule = open.rule;
  return fmt::format("rule {} {} {} {} {} {} {} {} {} {} {} {} {} {}", open.id,
                     format_due(rule.expires_at_s, open.due, now), static_cast<unsigned>(rule.kind),
                     static_cast<unsigned>(rule.slot), net::format_ip_address(rule.allowed), or_dash(rule.destination),
                     static_cast<unsigned>(rule.service.protocol), rule.service.port,
                     rule.nat ? net::format_ip_address(rule.nat->address) : "-", rule.nat ? rule.nat->port : 0,
                     or_dash(rule.source), rule.source_port.value_or(0), open.number, rule.services_text);
}

std::string format_journal_line(const PendingClose& close, const JournalTime& now) {
  return fmt::format("close {} {} {} {} {}", close.id, format_due(close.due_s, close.due, now),
                     net::format_ip_address(close.allowed), close.stanza_number, close.command);
}

std::string format_journal_line(const EnteredPlace& entered, const JournalTime&) {
  const RulePlace& place = entered.place;
  return fmt::format("place {} {} {} {} {} {}", entered.id, static_cast<unsigned>(place.kind), place.table,
                     place.from_chain, place.name, place.exe);
}

JournalContents parse_journal(std::string_view text, const JournalTime& now) {
  JournalContents contents;
  unsigned line_number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++line_number;
    if (line.empty()) continue;
    Fields fields(line);
    const auto kind = fields.text();
    // The last line, without its end.
    const bool is_torn = line.data() + line.size() == text.data() + text.size();
    if (is_torn) {
      contents.bad_lines.push_back(line_number);
      break;
    }
    if (kind == "end") {
      contents.is_ended = true;
      continue;
    }
    const auto id = fields.number<std::uint64_t>(0, largest_id);
    bool is_understood = false;
    if (kind == "rule") {
      OpenRule rule = take_rule(fields, now);
      rule.id = id;
      is_understood = fields.is_valid();
      if (is_understood) contents.rules.push_back(std::move(rule));
    } else if (kind == "close") {
      PendingClose close = take_close(fields, now);
      close.id = id;
      is_understood = fields.is_valid() && !close.command.empty();
      if (is_understood) contents.closes.push_back(std::move(close));
    } else if (kind == "place") {
      EnteredPlace entered = take_place(fields);
      entered.id = id;
      is_understood = fields.is_valid() && is_writable(entered.place);
      if (is_understood) contents.places.push_back(std::move(entered));
    } else if (kind == "done" && fields.is_valid()) {
      is_understood = true;
      erase_id(contents.rules, id);
      erase_id(contents.closes, id);
      erase_id(contents.places, id);
    }
    if (!is_understood) contents.bad_lines.push_back(line_number);
    if (is_understood && kind != "done") contents.is_ended = false;
  }
  return contents;
}

std::string journal_path(const Settings& settings) {
  std::string run_dir = settings.run_dir;
  if (!run_dir.ends_with('/')) run_dir += '/';
  std::string name = settings.pid_file;
  if (name.starts_with(run_dir)) name.erase(0, run_dir.size());
  if (name.ends_with(".pid")) name.resize(name.size() - 4);
  std::ranges::replace(name, '/', '-');
  return run_dir + (name.empty() ? "fwknopd" : name) + ".state";
}

Result<JournalContents> read_journal(const std::string& path, const JournalTime& now) {
  const auto text = read_own_file(path);
  if (!text) return fail(Error{text.error()});
  return parse_journal(*text, now);
}

JournalContents GrantJournal::open(const std::string& path) {
  path_ = path;
  const JournalTime now = journal_time(clock_);
  auto read = read_journal(path, now);
  if (!read && read.error().os_code != ENOENT) keep_aside(read.error());
  JournalContents contents = read ? std::move(*read) : JournalContents{};
  for (const unsigned line : contents.bad_lines) log_.warning("{}:{}: not a line of a state file", path, line);
  // Numbers are kept: when the file cannot be written anew, its old lines are still those that `done` lines mean.
  for (const OpenRule& rule : contents.rules) next_id_ = std::max(next_id_, rule.id + 1);
  for (const PendingClose& close : contents.closes) next_id_ = std::max(next_id_, close.id + 1);
  for (const EnteredPlace& entered : contents.places) next_id_ = std::max(next_id_, entered.id + 1);
  for (OpenRule& rule : contents.rules) take_over(rule, now);
  for (PendingClose& close : contents.closes) take_over(close, now);
  for (EnteredPlace& entered : contents.places) take_over(entered, now);
  places_ = contents.places;
  compact();
  open_file();
  return contents;
}

void GrantJournal::move_to(const std::string& path) {
  if (path_.empty() || path == path_) return;
  const std::string old = std::exchange(path_, path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 || !compact()) {
    log_.warning("Could not move the state file: it stays {}", old);
    path_ = old;
    return;
  }
  open_file();
  ::unlink(old.c_str());
}

void GrantJournal::open_file() {
  file_.reset();
  os::AppendLogOptions options;
  options.torn_line = os::AppendLogOptions::TornLine::cut_it;
  auto file = os::AppendLog::open(path_, options);
  if (file) {
    file_ = std::move(*file);
  } else {
    log_.warning("Could not open the state file: {}", file.error().text);
  }
}

template <class Opened>
void GrantJournal::take_over(Opened& opened, const JournalTime& now) {
  if (open_lines_.contains(opened.id)) opened.id = next_id_++;
  open_lines_[opened.id] = format_journal_line(opened, now);
}

/// A state file that cannot be read may still tell an administrator what is open: it is never written over.
void GrantJournal::keep_aside(const Error& error) {
  const std::string aside = path_ + ".unreadable";
  const bool is_moved = ::rename(path_.c_str(), aside.c_str()) == 0;
  log_.error("Could not read the state file, rules of an earlier run are not known: {}{}", error.text,
             is_moved ? "; it is now " + aside : std::string());
}

/// A new file with what is open, in place of the old one. When that fails the old one goes on growing.
bool GrantJournal::compact() {
  std::string text;
  for (const auto& [id, line] : open_lines_) text += line + "\n";
  // An AppendLog notices that its file was replaced.
  const auto written = os::replace_file_atomically(path_, text, 0600);
  dead_lines_ = 0;
  if (!written) log_.warning("Could not write the state file: {}", written.error().text);
  if (written) is_behind_ = false;
  return written.ok();
}

bool GrantJournal::append(const std::string& line) {
  if (!file_) return true;  // said at the start: this run directory cannot hold it
  const auto written = file_->append(line);
  if (!written) log_.error("Could not write the state file: {}", written.error().text);
  return written.ok();
}

bool GrantJournal::opening(OpenRule& rule) {
  rule.id = next_id_++;
  const std::string line = format_journal_line(rule, journal_time(clock_));
  if (!append(line)) return false;
  open_lines_[rule.id] = line;
  return true;
}

bool GrantJournal::opening(PendingClose& close) {
  close.id = next_id_++;
  const std::string line = format_journal_line(close, journal_time(clock_));
  if (!append(line)) return false;
  open_lines_[close.id] = line;
  return true;
}

/// Unlike a rule, a place may be used when it could not be written down: a full disk does not keep the daemon from
/// starting, and a start by the same configuration finds it anyway.
void GrantJournal::enter(const RulePlace& place) {
  if (!is_writable(place) || std::ranges::find(places_, place, &EnteredPlace::place) != places_.end()) return;
  const EnteredPlace entered{next_id_++, place};
  const std::string line = format_journal_line(entered, journal_time(clock_));
  append(line);
  open_lines_[entered.id] = line;
  places_.push_back(entered);
}

void GrantJournal::leave(const RulePlace& place) {
  const auto found = std::ranges::find(places_, place, &EnteredPlace::place);
  if (found == places_.end()) return;
  finish(found->id);
  places_.erase(found);
}

void GrantJournal::finish(std::uint64_t id) {
  if (open_lines_.erase(id) == 0) return;
  if (!append(fmt::format("done {}", id))) is_behind_ = true;
  dead_lines_ += 2;
  if (dead_lines_ > most_dead_lines) compact();
}

/// What has been closed must not be open again at the next start. That nothing is open needs no room on the disk.
void GrantJournal::end() {
  const bool is_true = !is_behind_ || (!open_lines_.empty() && compact());
  if ((!is_true || !append("end")) && open_lines_.empty()) ::unlink(path_.c_str());
}

}  // namespace latchkey::fwknopd
