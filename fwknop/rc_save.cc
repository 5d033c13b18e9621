// SPDX-License-Identifier: GPL-2.0-or-later
// --save-rc-stanza: the user's rc file with one stanza renewed, everything else byte for byte (spec/fwknop-client.md
// 5).
#include "fwknop/rc_save.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <set>

#include "common/base/bytes.h"
#include "common/base/handle.h"
#include "common/crypto/base64.h"
#include "common/os/files.h"
#include "fwknop/rc_directives.h"
#include "fwknop/rc_text.h"
#include "fwknop/terminal.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t most_rc_bytes = 16u << 20;

/// The directives that hold secrets, and what a text is saved as that no directive can hold.
struct Fallback {
  std::string_view text;
  std::string_view base64;
};
constexpr auto fallbacks = std::to_array<Fallback>({
    {"KEY", "KEY_BASE64"},
    {"HMAC_KEY", "HMAC_KEY_BASE64"},
    {"GPG_SIGNING_PW", "GPG_SIGNING_PW_BASE64"},
});

constexpr std::string_view hidden = "***";
/// What a new stanza has beside its name and its assignments, and an assignment beside its value, at the most.
constexpr std::size_t room_for_stanza = 8;
constexpr std::size_t room_for_name = 40;

bool holds_secret(std::string_view name) {
  return std::ranges::any_of(fallbacks, [&](const Fallback& row) { return name == row.text || name == row.base64; });
}

std::string_view base64_form_of(std::string_view name) {
  const auto found = std::ranges::find(fallbacks, name, &Fallback::text);
  return found == fallbacks.end() ? std::string_view() : found->base64;
}

/// What becomes of one line of the stanza that is renewed.
enum class Fate { keep, drop };

class Rewrite {
 public:
  Rewrite(const StanzaUpdate& update, Console& console) : update_(update), console_(console) {}

  Result<std::string> run(std::string_view text) {
    // Room for all of it: keys are among it, and what does not grow leaves no copies behind.
    std::size_t room = text.size() + update_.stanza.size() + room_for_stanza;
    for (const RcAssignment& assignment : update_.assignments) room += assignment.value.size() + room_for_name;
    text_.reserve(room);
    std::vector<RcLine> lines;
    for (const std::string_view raw : split_rc_lines(text)) lines.push_back(parse_rc_line(raw));
    const auto header = std::ranges::find_if(lines, [this](const RcLine& line) {
      return line.kind == RcLineKind::section && is_same_section(line.name, update_.stanza);
    });
    if (header == lines.end()) return append_stanza(text);
    const auto end =
        std::find_if(header + 1, lines.end(), [](const RcLine& l) { return l.kind == RcLineKind::section; });
    for (auto line = lines.begin(); line <= header; ++line) add(line->raw);
    if (auto result = renew_body(header->name, {header + 1, end}, end != lines.end()); !result)
      return fail(result.error());
    for (auto line = end; line != lines.end(); ++line) add(line->raw);
    return std::move(text_);
  }

 private:
  Result<std::string> append_stanza(std::string_view text) {
    console_.debug("update_rc() : Inserting new {} stanza", update_.stanza);
    add(text);
    if (!text_.empty() && !text_.ends_with("\n\n")) add("\n");
    add(fmt::format("[{}]\n", update_.stanza));
    add_assignments();
    return std::move(text_);
  }

  /// The lines behind the header: what is kept, and the new assignments behind the last directive.
  Result<void> renew_body(std::string_view stanza, std::span<const RcLine> body, bool is_followed) {
    std::vector<Fate> fates;
    std::size_t insert_at = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
      const auto fate = fate_of(body[i], stanza);
      if (!fate) return fail(fate.error());
      fates.push_back(*fate);
      if (body[i].kind != RcLineKind::ignored) insert_at = i + 1;
    }
    // A stanza without directives: behind the comments that belong to its header.
    if (insert_at == 0)
      while (insert_at < body.size() && !is_empty_line(body[insert_at].raw)) ++insert_at;
    for (std::size_t i = 0; i < insert_at; ++i)
      if (fates[i] == Fate::keep) add(body[i].raw);
    console_.debug("update_rc() : Updating {} stanza", update_.stanza);
    add_assignments();
    for (std::size_t i = insert_at; i < body.size(); ++i) add(body[i].raw);
    if (is_followed && insert_at == body.size()) add("\n");
    return {};
  }

  Result<Fate> fate_of(const RcLine& line, std::string_view stanza) {
    switch (line.kind) {
      case RcLineKind::ignored:
      case RcLineKind::include:
      case RcLineKind::section:
        return Fate::keep;
      case RcLineKind::malformed:
        if (update_.is_forced) return Fate::drop;
        return fail(Error{fmt::format("*Invalid entry in '{}'", line.raw)});
      case RcLineKind::directive:
        break;
    }
    if (update_.is_forced) return Fate::drop;
    const RcDirective* directive = find_rc_directive(line.name);
    // What no program knows goes with the rest, as with the peer: it would end every run that uses the stanza.
    if (directive == nullptr || !directive->is_critical || update_.may_overwrite(line.name, stanza)) return Fate::drop;
    kept_.insert(directive->name);
    return Fate::keep;
  }

  void add_assignments() {
    for (const RcAssignment& assignment : update_.assignments) {
      if (kept_.contains(assignment.name)) continue;
      console_.debug("add_single_var_to_rc() : Updating param ({}) {} to {}", assignment.position, assignment.name,
                     holds_secret(assignment.name) ? hidden : std::string_view(assignment.value));
      add(fmt::format("{:<24}    ", assignment.name));
      text_ += assignment.value;
      text_ += '\n';
    }
  }

  /// A last line without a newline gets one before anything follows it.
  void add(std::string_view piece) {
    if (!piece.empty() && !text_.empty() && !text_.ends_with('\n')) text_ += '\n';
    text_ += piece;
  }

  static bool is_empty_line(std::string_view raw) { return raw.find_first_not_of(" \t\r\n") == std::string_view::npos; }

  const StanzaUpdate& update_;
  Console& console_;
  std::set<std::string_view> kept_;
  std::string text_;
};

/// The file behind symbolic links, so that the rename does not replace a link.
std::string real_path(const std::string& path) {
  const std::unique_ptr<char, Deleter<std::free>> resolved(::realpath(path.c_str(), nullptr));
  return resolved ? std::string(resolved.get()) : path;
}

/// Root saving into a user's file leaves it the user's.
void keep_owner(const std::string& path, const struct stat& before) {
  struct stat after {};
  if (::stat(path.c_str(), &after) != 0) return;
  if (after.st_uid == before.st_uid && after.st_gid == before.st_gid) return;
  static_cast<void>(::chown(path.c_str(), before.st_uid, before.st_gid) == 0);
}

}  // namespace

std::vector<RcAssignment> assignments_to_save(const Settings& settings, Console& console) {
  std::vector<RcAssignment> assignments;
  const auto rows = rc_directives();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!settings.to_save.test(i)) continue;
    RcAssignment assignment{rows[i].name, rows[i].position, rows[i].format(settings)};
    if (assignment.value.empty()) continue;
    if (!is_rc_value(assignment.value)) {
      const std::string_view other = base64_form_of(assignment.name);
      if (other.empty()) {
        console.error("update_rc() : {} is not saved: an rc file cannot hold blanks, ';' or '#' in its value",
                      assignment.name);
        continue;
      }
      const RcDirective* row = find_rc_directive(other);
      assignment.name = row->name;
      assignment.position = row->position;
      std::string plain = std::exchange(
          assignment.value, crypto::encode_base64(as_bytes(assignment.value), crypto::Padding::equals_signs));
      wipe(plain);
    }
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

Result<std::string> update_rc_text(std::string_view text, const StanzaUpdate& update, Console& console) {
  return Rewrite(update, console).run(text);
}

bool save_rc_stanza(const std::string& path, const Settings& settings, Console& console) {
  const std::string target = real_path(path);
  auto text = os::read_file(target, most_rc_bytes);
  if (!text) {
    console.error("update_rc() : Unable to open rc file: {}: {}", path, std::strerror(text.error().os_code));
    return false;
  }
  const Defer wipe_text([&] { wipe(*text); });
  struct stat before {};
  const bool has_facts = ::stat(target.c_str(), &before) == 0;
  StanzaUpdate update{.stanza = settings.named_config,
                      .assignments = assignments_to_save(settings, console),
                      .is_forced = settings.force_stanza,
                      .may_overwrite = [&console](std::string_view name, std::string_view stanza) {
                        console.print("Variable '{}' found in stanza '{}'. Overwrite [N/y] ? ", name, stanza);
                        console.flush();
                        return read_line(0).value_or("").starts_with('y');
                      }};
  auto updated = update_rc_text(*text, update, console);
  for (RcAssignment& assignment : update.assignments) wipe(assignment.value);
  if (!updated) {
    console.error_text(updated.error().text + (updated.error().text.ends_with('\n') ? "" : "\n"));
    return false;
  }
  const Defer wipe_updated([&] { wipe(*updated); });
  if (const auto result = os::replace_file_atomically(target, *updated, 0600); !result) {
    // The peer's name for its new file; what fails is making one in that folder.
    console.error("update_rc() : Unable to create temporary rc file: {}.updated: {}", path,
                  std::strerror(result.error().os_code));
    return false;
  }
  if (has_facts) keep_owner(target, before);
  return true;
}

}  // namespace latchkey::fwknop
