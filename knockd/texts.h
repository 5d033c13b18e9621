// SPDX-License-Identifier: GPL-2.0-or-later
// The lines that log filters and scripts know, word for word (spec/knockd.md 1, 2, 5.3, 6.3 and 7).
#pragma once
#include <string_view>

namespace latchkey::knockd::texts {

using Text = std::string_view;

// Knocks: source, door, number.
inline constexpr Text stage = "{}: {}: Stage {}";
inline constexpr Text opened = "{}: {}: OPEN SESAME";
inline constexpr Text sequence_timeout = "{}: {}: sequence timeout (stage {})";
inline constexpr Text removing_failed = "removing failed knock attempt ({})";
inline constexpr Text removing_successful = "removing successful knock attempt ({})";
inline constexpr Text flag_unmet = "packet is not {}{}, ignoring...";
inline constexpr Text packet = "{}: {}: {}:{} -> {}:{} {} bytes";
inline constexpr Text too_many_attempts = "too many knock attempts: {} of the oldest dropped";

// Commands: door, command or source.
inline constexpr Text running_command = "{}: running command: {}";
inline constexpr Text command_timeout = "{}: {}: command timeout";
inline constexpr Text command_status = "{}: command returned non-zero status code ({})";
inline constexpr Text fork_failed = "error: command fork failed!";
inline constexpr Text start_truncated = "error: parsed start command has been truncated! --> won't execute it";
inline constexpr Text stop_truncated = "error: parsed stop command has been truncated! --> won't execute start command";

// One-time sequences.
inline constexpr Text no_more_sequences =
    "no more sequences left in the one time sequences file for door {} --> disabling the door";
inline constexpr Text mark_failed = "error while disabling used one time sequence for door {} --> disabling the door";
inline constexpr Text withdrawn_sequence =
    "the sequence that was used at door {} is not in its one time sequences file any more --> not opening the door";
inline constexpr Text new_sequence = "new sequence for door {}: {}";

// Start, reload, end.
inline constexpr Text listening = "listening on {}...";
inline constexpr Text starting_up = "starting up, listening on {}";
inline constexpr Text rereading = "re-reading config file: {}";
inline constexpr Text closing_log = "closing log file: {}";
inline constexpr Text reopening_log = "re-opening log file: {}";
inline constexpr Text waiting = "waiting for child processes...";
inline constexpr Text closing = "closing...";
inline constexpr Text shutting_down = "shutting down";
inline constexpr Text no_pid_file = "could not create pid file {}: {}";
inline constexpr Text no_log_file = "warning: cannot open logfile: {}";
inline constexpr Text left_main_loop = "bailed out of main loop! (ret={})";
inline constexpr Text capture_ended = "pcap: {}";
inline constexpr Text could_not_open = "could not open {}: {}";
inline constexpr Text unsupported_link = "error: unsupported link-layer type: {}";

// Debug lines of the start.
inline constexpr Text ethernet_detected = "ethernet interface detected";
inline constexpr Text cooked_detected = "ppp interface detected (linux \"cooked\" encapsulation)";
inline constexpr Text raw_detected = "raw interface detected, no encapsulation";
inline constexpr Text local_address = "local IP: {}";
inline constexpr Text filter_of_door = "adding pcap expression for door '{}': {}";

// Configuration.
inline constexpr Text outside_section = "all directives must belong to a section";
inline constexpr Text bad_section_name = "bad section name";
inline constexpr Text syntax_error = "syntax error";
inline constexpr Text unknown_flag = "unrecognized flag \"{}\"";
inline constexpr Text empty_sequence = "error: section '{}' has an empty knock sequence";
inline constexpr Text no_address = "\"{}\" is not an IP address";
inline constexpr Text config_line = "config: {}: {}";
inline constexpr Text config_warning = "config: {}: warning: {} ({}:{}:{})";
inline constexpr Text config_disabled = "config: {}: {} --> disabling the door";
inline constexpr Text config_section = "config: section {}: {}";
inline constexpr Text logged_section_error = "error: section {}: {}";
inline constexpr Text no_more_in_file = "config: no more sequences left in the one time sequences file {}";

}  // namespace latchkey::knockd::texts
