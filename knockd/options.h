// SPDX-License-Identifier: GPL-2.0-or-later
// knockd's command line (spec/knockd.md 1).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "common/cli/option.h"

namespace latchkey::knockd {

struct Options {
  std::string interface;
  std::string config_path = SYSCONFDIR "/knockd.conf";
  std::string pid_file = "/var/run/knockd.pid";
  std::string log_file;
  std::string replay_file;
  std::string suite_path;  ///< empty: the default, which may be absent
  bool is_daemon = false;
  bool is_debug = false;
  bool looks_up_names = false;
  bool is_verbose = false;
  bool only_v4 = false;
  bool only_tests_config = false;
};

std::span<const cli::Option<Options>> option_table();
/// With "usage: ..." in front and an empty line at the end.
std::string usage_text();

}  // namespace latchkey::knockd
