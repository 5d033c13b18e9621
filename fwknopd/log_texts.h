// SPDX-License-Identifier: GPL-2.0-or-later
// The lines that log parsers know (spec/fwknopd-runtime.md 10); the firewall back-ends keep theirs beside their code.
#pragma once

namespace latchkey::fwknopd::text {

// Stage A (2.1)
inline constexpr char bad_payload[] = "[{}] preprocess_spa_data() returned error {}: '{}' for incoming packet.";
inline constexpr char bad_forwarded_for[] = "Error parsing X-Forwarded-For header: value '{}' is not an IP address";
inline constexpr char no_access_data[] = "No access data found for source IP: {}";
inline constexpr char bad_context[] = "Error initializing FKO context from SPA data: {}";
inline constexpr char replay[] =
    "Replay detected from source IP: {}, Destination proto/port: {}/{}, Original source IP: {}, Original dst "
    "proto/port: {}/{}, Entry created: {}";

// Stage B (2.2)
inline constexpr char filtered[] = "(stanza #{}) SPA packet ({} -> {}) filtered by SOURCE and/or DESTINATION criteria";
inline constexpr char received[] = "(stanza #{}) SPA Packet from IP: {} received with access source match";
inline constexpr char packet_data[] = "SPA Packet: '{}'";
inline constexpr char expired[] = "[{}] (stanza #{}) Access stanza has expired";
inline constexpr char before_decryption[] = "[{}] (stanza #{}) Error creating fko context (before decryption): {}";
inline constexpr char bad_gpg_exe[] = "[{}] (stanza #{}) Error setting GPG path {}: {}";
inline constexpr char bad_gpg_home[] = "[{}] (stanza #{}) Error setting GPG keyring path to {}: {}";
inline constexpr char no_mode_match[] = "[{}] (stanza #{}) No stanza encryption mode match for encryption type: {}.";
inline constexpr char bad_message[] = "[{}] (stanza #{}) Error creating fko context: {}";
inline constexpr char hmac_mismatch[] = "(stanza #{}) Non-corresponding HMAC for this stanza";
inline constexpr char gpg_error[] = "[{}] (stanza #{}) - GPG ERROR: {}";
inline constexpr char not_remembered[] = "[{}] (stanza #{}) Could not add digest to replay cache";
inline constexpr char decoded[] = "[{}] (stanza #{}) SPA Decode (res=0):";
inline constexpr char signed_by[] = "[{}] (stanza #{}) Incoming SPA data signed by '{}' (fingerprint '{}').";
inline constexpr char bad_fingerprint[] =
    "[{}] (stanza #{}) Incoming SPA packet signed by: {}, but that fingerprint is not in the GPG_FINGERPRINT_ID list.";
inline constexpr char bad_signer_id[] =
    "[{}] (stanza #{}) Incoming SPA packet signed by ID: {}, but that ID is not in the GPG_REMOTE_ID list.";
inline constexpr char too_old[] = "[{}] (stanza #{}) SPA data time difference is too great ({} seconds).";
inline constexpr char no_source_address[] = "[{}] (stanza #{}) Got 0.0.0.0 when valid source IP was required.";
inline constexpr char bad_username[] =
    "[{}] (stanza #{}) Username in SPA data ({}) does not match required username: {}";
inline constexpr char nat_not_enabled[] =
    "(stanza #{}) SPA packet from {} requested NAT access, but is not enabled/supported";
inline constexpr char ports_denied[] =
    "[{}] (stanza #{}) One or more requested protocol/ports was denied per access.conf.";
inline constexpr char test_firewall[] = "[{}] (stanza #{}) --test mode enabled, skipping firewall manipulation.";
inline constexpr char test_command[] = "[{}] (stanza #{}) --test mode enabled, skipping command execution.";
inline constexpr char port_entry_no_slash[] = "[*] Parse error on access port entry: {}";
inline constexpr char port_entry_bad_port[] = "[*] Invalid port '{}' in access request, must be in [0,65535]";
inline constexpr char port_entry_bad_protocol[] = "[*] Invalid protocol in access port entry: {}";

// Commands (6)
inline constexpr char commands_not_allowed[] =
    "[{}] (stanza #{}) SPA Command messages are not allowed in the current configuration.";
inline constexpr char processing_command[] = "[{}] (stanza #{}) Processing SPA Command message: command='{}'.";
inline constexpr char running_command[] = "[{}] (stanza #{}) Running command '{}'";
inline constexpr char running_command_as[] =
    "[{}] (stanza #{}) Running command '{}' setuid/setgid user/group to {}/{} (UID={},GID={})";
inline constexpr char command_returned[] = "[{}] (stanza #{}) CMD_EXEC: command returned {}, pid_status: {}";
inline constexpr char bad_command_words[] = "run_extcmd(): Error converting cmd str to argv via strtoargv()";
inline constexpr char command_not_run[] = "run_extcmd(): {} failed: {}";
inline constexpr char cycle_open_not_built[] = "[{}] (stanza #{}) Could not build CMD_CYCLE_OPEN command.";
inline constexpr char cycle_close_not_built[] = "[{}] (stanza #{}) Could not build CMD_CYCLE_CLOSE command.";
inline constexpr char cycle_open[] = "[{}] (stanza #{}) Running CMD_CYCLE_OPEN command: {}";
inline constexpr char cycle_close_later[] = "[{}] (stanza #{}) Running CMD_CYCLE_CLOSE command in {} seconds: {}";
inline constexpr char cycle_close[] = "[{}] (stanza #{}) Timer expired, running CMD_CYCLE_CLOSE command: {}";

// Ours: a command of a cycle is out of order.
inline constexpr char cycle_open_ended[] =
    "[{}] (stanza #{}) The CMD_CYCLE_OPEN command has not ended and its close is due, ending it: {}";
inline constexpr char cycle_close_again[] =
    "[{}] (stanza #{}) The CMD_CYCLE_CLOSE command could not be run, trying again: {}";
inline constexpr char cycle_close_not_run[] = "[{}] (stanza #{}) The CMD_CYCLE_CLOSE command could not be run: {}";

// Ours: what an earlier process left.
inline constexpr char close_restored[] =
    "[{}] (stanza #{}) An earlier fwknopd left a CMD_CYCLE_CLOSE command, due at {}: {}";
inline constexpr char rule_restored[] = "Restored {} rule in {} for {}, expires at {}";
inline constexpr char place_left[] = "Removed {} of an earlier fwknopd";
inline constexpr char rule_ended[] = "Ended {} rule for {}, which would expire at {}: its chain is not used any more";
inline constexpr char rule_overdue[] = "Rule of an earlier fwknopd in {} for {} has expired at {}";

// Ours: the monitor refuses what the sensor asks for. Never seen unless the sensor is out of order.
inline constexpr char request_refused[] = "[{}] (stanza #{}) The monitor refuses a request: {}";

// Ours: the life of the sensor.
inline constexpr char sensor_not_started[] = "The sensor process could not be started: {}";
inline constexpr char sensor_ended[] = "The sensor process has ended ({}); starting it again in {} ms.";
inline constexpr char sensor_killed[] = "{} was killed by signal {}.";
inline constexpr char sensor_bad_message[] = "The sensor process sent an invalid message; giving up.";
// Ours: the life of the GPG helper.
inline constexpr char gpg_helper_not_started[] = "The GPG helper process could not be started: {}";
inline constexpr char gpg_helper_ended[] =
    "The GPG helper process has ended ({}); it starts again with the next packet.";
inline constexpr char gpg_too_slow[] = "gpg has not answered for {} seconds; its helper is replaced.";
inline constexpr char not_for_decrypt_id[] =
    "[{}] (stanza #{}) SPA packet was not encrypted to the key of GPG_DECRYPT_ID: {}";

inline constexpr char reload_failed[] = "The configuration has errors; the old one stays in force.";

// NAT targets (4.3)
inline constexpr char nat_resolved[] = "Resolved NAT IP in SPA message";
inline constexpr char nat_not_resolved[] = "Unable to resolve Hostname in NAT SPA message";
inline constexpr char nat_bad_host[] = "Invalid Hostname in NAT SPA message";
inline constexpr char nat_dropped[] =
    "[{}] (stanza #{}) Look-up of Hostname in NAT SPA message given up, nothing opens: {}";
inline constexpr char nat_dns_off[] = "Received Hostname in NAT SPA message, but hostname is disabled.";

// Replay cache (3.2)
inline constexpr char cache_count[] = "Using Digest Cache: '{}' (entry count = {})";
inline constexpr char cache_off[] = "Error opening digest cache file. Incoming digests will not be remembered.";
inline constexpr char cache_not_created[] = "Could not create digest cache: {}: {}";
inline constexpr char cache_not_opened[] = "Could not open digest cache: {}: {}";
inline constexpr char cache_no_permission[] = "Digest file '{}' exists but: '{}'";
inline constexpr char cache_not_regular[] = "[-] file: {} is not a regular file or symbolic link.";
inline constexpr char cache_bad_mode[] = "[-] file: {} permissions should only be user read/write (0600, -rw-------)";
inline constexpr char cache_foreign_owner[] = "[-] file: {} not owned by current effective user id";
inline constexpr char cache_valid_line[] = "DIGEST FILE: {}, VALID LINE: {}";
inline constexpr char cache_rotating[] = "Rotating digest cache file.";
inline constexpr char cache_not_rotated[] = "Unable to rename digest file: {} to {}-old: {}";
inline constexpr char cache_parsed[] = "Digest cache parsed, exiting.";

// Capture (1)
inline constexpr char sniffing[] = "Sniffing interface: {}";
inline constexpr char reading_file[] = "Reading pcap file: {}";
inline constexpr char open_live_failed[] = "[*] pcap_open_live() error: {}";
inline constexpr char open_file_failed[] = "[*] pcap_open_offline() error: {}";
inline constexpr char filter_not_compiled[] = "[*] Error compiling pcap filter: {}";
inline constexpr char filter_not_set[] = "[*] Error setting pcap filter: {}";
inline constexpr char filter_is[] = "PCAP filter is: '{}'";
inline constexpr char direction_not_set[] = "[*] Warning: pcap error on setdirection: {}.";
inline constexpr char event_loop[] = "Starting fwknopd main event loop.";
inline constexpr char dispatch_fatal[] = "[*] Fatal error from pcap_dispatch: {}";
inline constexpr char dispatch_error[] = "[*] Error from pcap_dispatch: {}";
inline constexpr char interface_went_down[] = "The interface went down";
inline constexpr char dispatch_processed[] = "pcap_dispatch() processed: {} packets";
inline constexpr char no_capture_mode[] = "No available capture mode specified.  Aborting.";
inline constexpr char queue_read_failed[] = "[*] Error reading from  nfq descriptor: {}";
inline constexpr char queue_gives_up[] = "[*] {} consecutive nfq errors.  Giving up";
inline constexpr char udp_server[] = "Kicking off UDP server to listen on port {}.";
inline constexpr char udp_failed[] = "run_udp_server: {}: {}";
inline constexpr char udp_fatal[] = "Fatal run_udp_server() error";
inline constexpr char udp_datagram[] = "udp_server: Got UDP datagram ({} bytes) from: {}";
inline constexpr char udp_stopping[] = "udp_server: terminating signal received, will stop.";
inline constexpr char udp_processed[] = "run_udp_server() processed: {} packets";
inline constexpr char tcp_server[] = "Kicking off TCP server to listen on port {}.";
inline constexpr char tcp_failed[] = "run_tcp_server: {}: {}";
inline constexpr char tcp_fatal[] = "Fatal run_tcp_server() error";
inline constexpr char tcp_connection[] = "tcp_server: Got TCP connection from {}.";

// Life (7)
inline constexpr char starting[] = "Starting fwknopd";
inline constexpr char restarting[] = "Re-starting fwknopd";
inline constexpr char leaving[] = "Gracefully leaving the fwknopd event loop.";
inline constexpr char got_signal[] = "Got {}. Exiting...";
inline constexpr char got_sighup[] = "Got SIGHUP. Re-reading configs.";
inline constexpr char limit_reached[] = "* Incoming packet count limit of {} reached";
inline constexpr char limit_exit[] = "Packet count limit ({}) reached. Exiting...";
inline constexpr char shutting_down[] = "Shutting Down fwknopd.";

}  // namespace latchkey::fwknopd::text
