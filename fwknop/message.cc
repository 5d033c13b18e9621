// SPDX-License-Identifier: GPL-2.0-or-later
// From settings to the SPA message: user name, time stamp, access or command, NAT (spec/fwknop-client.md 10).
#include "fwknop/message.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "common/base/handle.h"
#include "common/base/text.h"
#include "common/spa/validate.h"

namespace latchkey::fwknop {
namespace {

constexpr int first_random_port = 10000;
constexpr int last_random_port = 65535;
constexpr std::size_t longest_nat_host = 254;

Failure<Error> library_failure(std::string_view call, spa::Code code) { return fail(Error{library_error(call, code)}); }

Failure<Error> nat_failure(std::string_view line) {
  return fail(Error{fmt::format("{}\n{}", line, library_error("fko_set_nat_access_str", spa::Code::invalid_data))});
}

/// What our receivers take, less the labels that the peer's client refuses.
bool is_nat_host(std::string_view host) {
  const auto has_stray_hyphen = [](std::string_view label) { return label.starts_with('-') || label.ends_with('-'); };
  return host.size() <= longest_nat_host && spa::is_host_name(host) &&
         std::ranges::none_of(split(host, '.'), has_stray_hyphen);
}

/// The peer reads six characters at most; leading zeros are among them.
std::optional<int> parse_port(std::string_view text) {
  constexpr std::size_t longest_port = 6;
  if (text.size() > longest_port) return std::nullopt;
  return parse_number<int>(text, 1, 65535);
}

/// The digits behind the first '/' of the first item.
std::string_view first_port_text(std::string_view access) {
  const std::size_t slash = access.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view rest = access.substr(slash + 1);
  return rest.substr(0, rest.find(','));
}

Failure<Error> bad_access_port(std::string_view text) {
  const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  const int shown = parse_number<int>(text.substr(0, std::min<std::size_t>(digits, 5))).value_or(0);
  return nat_failure(fmt::format("[*] Invalid port value '{}' for -A arg.", shown));
}

/// -N as typed: HOST, HOST:PORT or HOST,PORT.
Result<std::string> nat_target(std::string_view nat_access, int access_port) {
  std::string text(nat_access);
  if (const std::size_t colon = text.find(':'); colon != std::string::npos) text[colon] = ',';
  const std::size_t comma = text.find(',');
  const std::string host = text.substr(0, comma);
  int port = access_port;
  if (comma != std::string::npos) {
    const auto given = parse_port(text.substr(comma + 1));
    if (!given) return nat_failure("[*] Invalid port value in -N arg.");
    port = *given;
  }
  if (!is_nat_host(host)) return nat_failure(fmt::format("[*] Invalid NAT destination '{}' for -N arg.", host));
  return fmt::format("{},{}", host, port);
}

Result<std::string> nat_string(const Settings& settings) {
  const std::string_view port_text = first_port_text(settings.access);
  const auto port = parse_port(port_text.substr(0, 5));
  if (!port) return bad_access_port(port_text);
  if (!settings.nat_access.empty()) return nat_target(settings.nat_access, *port);
  if (settings.server.empty()) return fail(Error{"Must use --destination unless --test mode is used"});
  return fmt::format("{},{}", settings.server, *port);
}

std::optional<std::uint32_t> timeout(const Settings& settings) {
  if (settings.fw_timeout_s.value_or(0) <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(*settings.fw_timeout_s);
}

std::string account_name(const Environment& environment) {
  if (!environment.uses_system_account) return environment.account_name.value_or("");
  const uid_t user = ::geteuid();
  // Asking the name service for a user of this machine costs a twentieth of the whole run; it knows the others.
  if (const std::unique_ptr<std::FILE, Deleter<std::fclose>> users{std::fopen("/etc/passwd", "re")}) {
    while (const passwd* account = ::fgetpwent(users.get()))
      if (account->pw_uid == user) return account->pw_name;
  }
  const passwd* account = ::getpwuid(user);
  return account != nullptr ? account->pw_name : "";
}

Result<spa::Body> command_body(const Settings& settings, const std::string& allow_address) {
  auto request = spa::parse_command(fmt::format("{},{}", allow_address, settings.server_command), spa::Side::sender);
  if (!request) return library_failure("fko_set_spa_message", request.error());
  return spa::Body(spa::Command{std::move(*request)});
}

}  // namespace

std::string library_error(std::string_view call, spa::Code code) {
  return fmt::format("fwknop: {}: Error {} - {}", call, static_cast<int>(code), spa::error_text(code));
}

Result<std::uint32_t> make_timestamp(const Settings& settings, WallTime now) {
  const std::int64_t seconds = to_epoch_seconds(now) + settings.time_offset.count();
  if (seconds < 0 || seconds > std::numeric_limits<std::uint32_t>::max())
    return library_failure("fko_set_timestamp", spa::Code::timestamp_validfail);
  return static_cast<std::uint32_t>(seconds);
}

Result<std::string> find_user_name(const Settings& settings, const Environment& environment) {
  if (!settings.spoof_user.empty()) {
    if (const auto checked = spa::check_username(settings.spoof_user); !checked)
      return library_failure("fko_set_username", checked.error());
    return settings.spoof_user;
  }
  std::string name;
  if (environment.spoof_user)
    name = *environment.spoof_user;
  else if (environment.logname)
    name = *environment.logname;
  else if (name = account_name(environment); name.empty())
    name = environment.user.value_or("NO_USER");
  // Longer names are sent by the peer and refused by every receiver (D3).
  name.resize(std::min(name.size(), spa::limit::username_every_receiver_takes));
  if (const auto checked = spa::check_username(name); !checked) return library_failure("fko_new", checked.error());
  return name;
}

Result<int> random_port(Rng& rng) {
  const auto offset = rng.below(last_random_port - first_random_port + 1);
  if (!offset) return library_failure("get_rand_port(), fko_get_rand_value", spa::Code::filesystem_operation);
  return first_random_port + static_cast<int>(*offset);
}

Result<NatRequest> make_nat(const Settings& settings, const std::string& allow_address, Rng& rng) {
  NatRequest nat{.access = settings.access.empty() ? "none/0" : settings.access};
  const bool uses_nat = !settings.nat_access.empty() || settings.nat_local;
  if (!uses_nat) return nat;
  if (settings.nat_rand_port || settings.nat_port != 0) {
    nat.is_random = settings.nat_rand_port;
    const auto port = nat.is_random ? random_port(rng) : Result<int>(settings.nat_port);
    if (!port) return fail(port.error());
    nat.port = *port;
    const std::size_t slash = nat.access.find('/');
    if (slash == std::string::npos) return fail(Error{"[*] Expecting <proto>/<port> for -A arg."});
    if (nat.access.find_first_of(",/", slash + 1) != std::string::npos)
      return fail(Error{"[*] NAT for multiple ports/protocols not yet supported."});
    nat.access = fmt::format("{}/{}", nat.access.substr(0, slash), nat.port);
  }
  if (const auto checked = spa::parse_access(fmt::format("{},{}", allow_address, nat.access), spa::Side::sender);
      !checked)
    return library_failure("fko_set_spa_message", checked.error());
  auto text = nat_string(settings);
  if (!text) return fail(text.error());
  nat.nat_string = std::move(*text);
  return nat;
}

Result<spa::Body> make_body(const Settings& settings, const std::string& allow_address, Rng& rng, Console& console) {
  // A command has no ports, so NAT options mean nothing for it (D27).
  if (!settings.server_command.empty()) return command_body(settings, allow_address);
  auto nat = make_nat(settings, allow_address, rng);
  if (!nat) return fail(nat.error());
  auto request = spa::parse_access(fmt::format("{},{}", allow_address, nat->access), spa::Side::sender);
  if (!request) return library_failure("fko_set_spa_message", request.error());
  if (nat->nat_string.empty()) {
    if (settings.nat_port != 0 || settings.nat_rand_port)
      console.error("Warning: --nat-port and --nat-rand-port are ignored without --nat-access or --nat-local.");
    return spa::Body(spa::Access{std::move(*request), timeout(settings)});
  }
  auto target = spa::parse_nat(nat->nat_string, spa::Side::sender);
  if (!target) return library_failure("fko_set_nat_access_str", target.error());
  if (nat->is_random)
    console.print("[+] Randomly assigned port '{}' on: '{}' will grant access to: '{}'", nat->port, request->text,
                  nat->nat_string);
  if (settings.nat_local)
    return spa::Body(spa::LocalNatAccess{std::move(*request), std::move(*target), timeout(settings)});
  return spa::Body(spa::NatAccess{std::move(*request), std::move(*target), timeout(settings)});
}

}  // namespace latchkey::fwknop
