// SPDX-License-Identifier: GPL-2.0-or-later
// Type, mode and owner of fwknopd's files.
#include "fwknopd/config/permissions.h"

#include <unistd.h>

#include <cstring>

namespace latchkey::fwknopd {

void check_permissions(const std::string& path, const struct stat& facts, Report& report) {
  config::Place place;
  if (report.is_checking()) {
    const auto file = std::make_shared<config::SourceFile>();
    file->path = path;
    place.file = file;
  }
  if ((facts.st_mode & 0777) != 0600)
    report.warning(log::Level::warning, place,
                   "[-] file: {} permissions should only be user read/write (0600, -rw-------)", path);
  if (facts.st_uid != ::getuid())
    report.warning(log::Level::warning, place, "[-] file: {} not owned by current effective user id", path);
}

void tell_source_error(const config::SourceError& error, std::string_view subject, Report& report) {
  using Kind = config::SourceError::Kind;
  switch (error.kind) {
    case Kind::cannot_open:
      report.error(error.from, "[*] Could not open {}: {}", subject, error.path);
      report.print_os_error(error.os_code);
      return;
    case Kind::cannot_stat:
      report.error(error.from, "[-] stat() against file: {} returned: {}", error.path, std::strerror(error.os_code));
      return;
    case Kind::not_regular:
      report.error(error.from, "[-] file: {} is not a regular file or symbolic link.", error.path);
      return;
    case Kind::cannot_read:
    case Kind::too_deep:
    case Kind::loop:
    case Kind::cannot_open_folder:
    case Kind::no_path:
      report.error(error.from, "[*] {}", error.text());
      return;
  }
}

std::optional<config::OpenedSource> open_checked(const std::string& path, std::string_view subject,
                                                 const config::Place& from, Report& report) {
  auto source = config::open_source(path, from);
  if (!source) {
    tell_source_error(source.error(), subject, report);
    return std::nullopt;
  }
  check_permissions(path, source->facts, report);
  return std::move(*source);
}

}  // namespace latchkey::fwknopd
