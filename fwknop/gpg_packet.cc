// SPDX-License-Identifier: GPL-2.0-or-later
// GPG packets: the client's only door to GnuPG (spec/fwknop-client.md 14).
#include "fwknop/gpg_packet.h"

#include <sys/stat.h>

#include <cstdlib>

#include "fwknop/message.h"

namespace latchkey::fwknop {
namespace {

std::optional<std::string> set_text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

Result<void> check_gpg(const Settings& settings) {
  // An agent that the user did not ask for must not open a window of its own.
  if (!settings.use_gpg_agent) ::unsetenv("GPG_AGENT_INFO");
  struct stat facts {};
  if (!settings.gpg_exe.empty() && (::stat(settings.gpg_exe.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)))
    return fail(Error{library_error("fko_set_gpg_exe", spa::Code::gpgme_bad_gpg_exe)});
  if (!settings.gpg_home_dir.empty() && (::stat(settings.gpg_home_dir.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)))
    return fail(Error{library_error("fko_set_gpg_home_dir", spa::Code::gpgme_bad_home_dir)});
  return {};
}

Result<spa::Sealed> seal_with_gpg(const Settings&, const spa::Message&, const Keys&, const spa::SealSettings&) {
  return fail(Error{library_error("fko_spa_data_final", spa::Code::gpgme_no_openpgp)});
}

void describe_gpg(const Settings& settings, spa::DumpContext& context) {
  context.encryption_type = spa::EncryptionType::gpg;
  context.encryption_mode = EncryptionMode::asymmetric;
  context.gpg = spa::GpgDump{.signer = set_text(settings.gpg_signer),
                             .recipient = set_text(settings.gpg_recipient),
                             .home_dir = set_text(settings.gpg_home_dir),
                             .exe = set_text(settings.gpg_exe)};
}

Result<std::string> decode_with_gpg(const Settings&, const std::string&, const spa::PacketKeys&, spa::DumpContext) {
  return fail(Error{library_error("fko_decrypt_spa_data", spa::Code::gpgme_no_openpgp)});
}

}  // namespace latchkey::fwknop
