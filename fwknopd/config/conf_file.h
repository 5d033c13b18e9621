// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd.conf and its override files as texts, with variables expanded (spec/fwknopd-config.md 5).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fwknopd/config/report.h"

namespace latchkey::fwknopd {

struct ConfText {
  std::string value;
  config::Place place;  ///< of the value; no file for the command line
};

/// By position in conf_rows(); nullopt = not set.
using ConfTexts = std::vector<std::optional<ConfText>>;

/// Reads one file with what it includes, later values over earlier ones. False: the reading has ended with an error.
bool read_conf_file(const std::string& path, ConfTexts& texts, Report& report);

/// Reads the file and its override files: `overrides` (`-O`, comma list) or else what the file's OVERRIDE_CONFIG names.
/// nullopt: an error was reported.
std::optional<ConfTexts> read_conf(const std::string& path, const std::optional<std::string>& overrides,
                                   Report& report);

}  // namespace latchkey::fwknopd
