// SPDX-License-Identifier: GPL-2.0-or-later
// Draft: a stanza while access.conf is being read, and the line that is put into it.
#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "fwknopd/config/report.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"

namespace latchkey::fwknopd {

struct Draft {
  Stanza stanza;
  config::Place place;                                                                    ///< of its SOURCE line
  config::Place source_place, destination_place, open_ports_place, restrict_ports_place;  ///< of the lists
  bool has_bad_line = false;  ///< only the configuration check goes on after one
  std::optional<std::string> cycle_open;
  std::optional<std::string> cycle_close;
  bool has_group = false, has_sudo_group = false;
  gid_t user_gid = 0, sudo_user_gid = 0;    ///< primary groups of the users
  std::optional<bool> permit_client_ports;  ///< fwknop 1.9
  /// A stanza may be checked twice; nothing is said twice.
  std::set<std::string> told;
};

/// Errors in a key file drop the stanza, everywhere else they end the reading.
enum class Severity { fatal, drops_stanza };

struct AccessLine {
  const Settings& settings;
  Report& report;
  const config::Place& place;  ///< of the value
  std::string_view keyword;
  std::string_view value;
  Draft& draft;
  Stanza& stanza;  ///< draft.stanza
  Severity severity = Severity::fatal;

  const std::string& path() const { return place.file->path; }

  /// `return line.fail(...)`: tells the error and is false.
  template <class... T>
  bool fail(fmt::format_string<T...> format, const T&... values) const {
    if (severity == Severity::fatal) {
      report.error<T...>(place, format, values...);
    } else {
      report.warning<T...>(log::Level::error, place, format, values...);
    }
    return false;
  }
};

}  // namespace latchkey::fwknopd
