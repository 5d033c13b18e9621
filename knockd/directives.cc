// SPDX-License-Identifier: GPL-2.0-or-later
// The directive tables of knockd.conf. UseSyslog, which takes no value and stands anywhere, is the reader's.
#include "knockd/directives.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "knockd/config_reader.h"

namespace latchkey::knockd {
namespace {

using config::ValueKind;
using Row = config::Directive<SetDirective>;
using Reader = ConfigReader;

constexpr std::int64_t most_seconds = 2147483647;

constexpr auto option_rows = std::to_array<Row>({
    {{.name = "LogFile", .kind = ValueKind::path}, &Reader::set_log_file},
    {{.name = "PidFile", .kind = ValueKind::path, .fallback = "/var/run/knockd.pid"}, &Reader::set_pid_file},
    {{.name = "Interface", .fallback = "eth0"}, &Reader::set_interface},
});

constexpr auto door_rows = std::to_array<Row>({
    {{.name = "Sequence", .kind = ValueKind::port_list}, &Reader::set_sequence},
    {{.name = "One_Time_Sequences", .kind = ValueKind::path, .flags = config::repeatable}, &Reader::set_one_time_file},
    {{.name = "Seq_Timeout", .kind = ValueKind::number, .unit = "s", .most = most_seconds, .fallback = "25"},
     &Reader::set_seq_timeout},
    {{.name = "Timeout", .kind = ValueKind::number, .unit = "s", .most = most_seconds, .flags = config::synonym},
     &Reader::set_seq_timeout},
    {{.name = "Seq_Cooldown", .kind = ValueKind::number, .unit = "s", .most = most_seconds, .fallback = "0"},
     &Reader::set_seq_cooldown},
    {{.name = "AllowDuplicates", .kind = ValueKind::yes_no, .fallback = "no"}, &Reader::set_allow_duplicates},
    {{.name = "TCPFlags", .flags = config::repeatable}, &Reader::set_tcp_flags},
    {{.name = "Target", .kind = ValueKind::address}, &Reader::set_target},
    {{.name = "Start_Command"}, &Reader::set_start_command},
    {{.name = "Command", .flags = config::synonym}, &Reader::set_start_command},
    {{.name = "Start_Command_6"}, &Reader::set_start_command_6},
    {{.name = "Command_6", .flags = config::synonym}, &Reader::set_start_command_6},
    {{.name = "Cmd_Timeout", .kind = ValueKind::number, .unit = "s", .most = most_seconds, .fallback = "10"},
     &Reader::set_cmd_timeout},
    {{.name = "Stop_Command"}, &Reader::set_stop_command},
    {{.name = "Stop_Command_6"}, &Reader::set_stop_command_6},
});

static_assert(config::is_consistent(option_rows) && config::is_consistent(door_rows));

template <std::size_t N>
SetDirective find_in(const std::array<Row, N>& rows, std::string_view key) {
  const auto found =
      std::ranges::find_if(rows, [key](const Row& row) { return equals_ignoring_case(row.text.name, key); });
  return found == rows.end() ? nullptr : found->set;
}

}  // namespace

SetDirective find_setter(std::string_view key, bool is_in_options) {
  return is_in_options ? find_in(option_rows, key) : find_in(door_rows, key);
}

std::vector<config::DirectiveText> directive_texts() {
  std::vector<config::DirectiveText> texts{{.name = "UseSyslog"}};
  for (const Row& row : option_rows) texts.push_back(row.text);
  for (const Row& row : door_rows) texts.push_back(row.text);
  return texts;
}

}  // namespace latchkey::knockd
