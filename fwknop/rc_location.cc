// SPDX-License-Identifier: GPL-2.0-or-later
// Where the client's files are, whether they are safe, and the first rc file (spec/fwknop-client.md 4.1-4.3, 8).
#include "fwknop/rc_location.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/os/files.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t longest_home = 1013;
/// The peer cuts paths here; in messages we do, too.
constexpr std::size_t shown_path = 1023;

constexpr std::string_view first_rc_file =
    R"rc(# The fwknop client's settings. Latchkey made this file on its first run; edit it as you like.
#
# This file contains stanzas. [default] applies to every run; any other stanza applies when it is named with
# `fwknop -n NAME`, and overrides [default]. The command line overrides both.
# A line is a directive, blanks and a value; everything behind # is a comment. See fwknoprc(5) for all directives.
#
# Keys belong here and not on the command line: keep this file at mode 0600. New keys come from
# `fwknop --key-gen --save-rc-stanza -n NAME -D SERVER`.

[default]
#DIGEST_TYPE        sha256
#FW_TIMEOUT         30
#SPA_SERVER_PORT    62201
#SPA_SERVER_PROTO   udp
#ALLOW_IP           resolve
#SPOOF_USER         alice
#SPOOF_SOURCE_IP    192.0.2.7
#TIME_OFFSET        0
#USE_GPG            N
#GPG_HOMEDIR        /home/alice/.gnupg
#GPG_EXE            /usr/bin/gpg
#GPG_SIGNER         alice@example.net
#GPG_RECIPIENT      fwknopd@example.net
#NO_SAVE_ARGS       N

# SSH to a server: `fwknop -n myssh`, then `ssh`.
#[myssh]
#SPA_SERVER         spa.example.net
#ACCESS             tcp/22
#ALLOW_IP           resolve

# The web server behind it, for a minute.
#[mynatreq]
#SPA_SERVER         spa.example.net
#ACCESS             tcp/80
#ALLOW_IP           resolve
#NAT_ACCESS         192.0.2.20:80
#FW_TIMEOUT         60
)rc";

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string shown(const std::string& path) { return path.substr(0, shown_path); }

}  // namespace

Environment Environment::of_process() {
  return {.home = variable("HOME"),
          .spoof_user = variable("SPOOF_USER"),
          .logname = variable("LOGNAME"),
          .user = variable("USER")};
}

Result<std::string> find_rc_path(const Settings& settings, const Environment& environment) {
  if (!settings.rc_file.empty()) return settings.rc_file;
  if (settings.no_home_dir) return fail(Error{"Warning: in --no-home-dir mode, must set --rc-file path."});
  if (!environment.home)
    return fail(Error{"Warning: Unable to determine HOME directory.\n No .fwknoprc file processed."});
  if (environment.home->size() > longest_home)
    return fail(Error{"Warning: Path to .fwknoprc file is too long.\n No .fwknoprc file processed."});
  return *environment.home + "/.fwknoprc";
}

Result<std::string> find_args_path(const Settings& settings, const Environment& environment) {
  if (!settings.args_file.empty()) return settings.args_file;
  if (settings.no_home_dir) return fail(Error{"In --no-home-dir mode must set the args save file path with -E"});
  if (!environment.home) return fail(Error{"Unable to determine args save file"});
  return *environment.home + "/.fwknop.run";
}

Result<void> check_private_file(const std::string& path, Console& console) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return {};
    return fail(
        Error{fmt::format("[-] stat() against file: {} returned: {}", shown(path), std::strerror(errno)), errno});
  }
  if (!S_ISREG(facts.st_mode)) console.error("[-] file: {} is not a regular file or symbolic link.", shown(path));
  if ((facts.st_mode & 0777) != 0600)
    console.error("[-] file: {} permissions should only be user read/write (0600, -rw-------)", shown(path));
  if (facts.st_uid != ::getuid()) console.error("[-] file: {} not owned by current effective user id", shown(path));
  return {};
}

bool create_missing_rc_file(const std::string& path, Console& console) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) return true;
  console.print("[*] Creating initial rc file: {}.", shown(path));
  const auto result = os::create_file(path, first_rc_file, 0600);
  if (!result)
    console.error("Unable to create initial rc file: {}: {}", shown(path), std::strerror(result.error().os_code));
  return result.ok();
}

}  // namespace latchkey::fwknop
