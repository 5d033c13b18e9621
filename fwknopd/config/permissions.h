// SPDX-License-Identifier: GPL-2.0-or-later
// What fwknopd says about the type, mode and owner of its files (spec/fwknopd-config.md 7).
#pragma once
#include <sys/stat.h>

#include <string>

#include "common/config/source.h"
#include "fwknopd/config/report.h"

namespace latchkey::fwknopd {

/// Mode and owner: warnings.
void check_permissions(const std::string& path, const struct stat& facts, Report& report);

/// Opens and checks a file; failures are told in the peer's words, as errors. `subject` is "config file" or "access
/// file".
std::optional<config::OpenedSource> open_checked(const std::string& path, std::string_view subject,
                                                 const config::Place& from, Report& report);

/// The same words for a file that the include resolver could not read.
void tell_source_error(const config::SourceError& error, std::string_view subject, Report& report);

}  // namespace latchkey::fwknopd
