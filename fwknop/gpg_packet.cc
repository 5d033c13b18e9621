// SPDX-License-Identifier: GPL-2.0-or-later
// GPG packets: the client's only door to GnuPG (spec/fwknop-client.md 14).
#include "config.h"

#include "fwknop/gpg_packet.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>

#include "common/spa/gpg_packet.h"
#include "fwknop/message.h"

namespace latchkey::fwknop {
namespace {

std::optional<std::string> set_text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

Error gpg_error(std::string_view call, const spa::GpgFault& fault) {
  std::string text = library_error(call, fault.code);
  if (spa::is_gpg_error(fault.code)) text += "\nGPG ERR: " + fault.text;
  return Error{text};
}

Result<void> check_paths(const Settings& settings) {
  struct stat facts {};
  if (!settings.gpg_exe.empty() && (::stat(settings.gpg_exe.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)))
    return fail(Error{library_error("fko_set_gpg_exe", spa::Code::gpgme_bad_gpg_exe)});
  if (!settings.gpg_home_dir.empty() && (::stat(settings.gpg_home_dir.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)))
    return fail(Error{library_error("fko_set_gpg_home_dir", spa::Code::gpgme_bad_home_dir)});
  return {};
}

Result<void> use_key(crypto::Gpg& gpg, crypto::GpgKeyUse use, const std::string& pattern, std::string_view call) {
  const auto used = gpg.use_key(use, pattern);
  if (!used) return fail(gpg_error(call, spa::fault_of(used.error(), use)));
  return {};
}

/// What the peer prints when C and H together are too long: the packet was made, but nobody gets it.
Error too_long(const Settings& settings) {
  const std::string reason = spa::error_text(spa::Code::missing_encoded_data);
  std::string text;
  if (settings.test || settings.verbosity() > 0) text += fmt::format("Unable to dump FKO context: {}\n", reason);
  if (!settings.save_packet_file.empty())
    text += fmt::format("write_spa_packet_data: Error #98 from fko_get_spa_data: {}\n", reason);
  text +=
      fmt::format("send_spa_packet: Error #98 from fko_get_spa_data: {}\nsend_spa_packet: packet not sent.", reason);
  return Error{text};
}

void describe_signature(const std::vector<crypto::GpgSignature>& signatures, spa::GpgDump& dump) {
  constexpr std::size_t id_characters = 8;
  dump.signer.reset();
  dump.recipient.reset();
  if (signatures.empty()) return;
  const crypto::GpgSignature& first = signatures.front();
  dump.signature_fingerprint = first.fingerprint;
  dump.signature_id =
      first.fingerprint.substr(first.fingerprint.size() - std::min(first.fingerprint.size(), id_characters));
  dump.signature_summary = first.summary;
  dump.signature_status = first.status;
}

}  // namespace

Result<crypto::Gpg> open_gpg(const Settings& settings) {
  // An agent that the user did not ask for must not open a window of its own.
  if (!settings.use_gpg_agent) ::unsetenv("GPG_AGENT_INFO");
  if (const auto checked = check_paths(settings); !checked) return fail(checked.error());
  auto gpg = crypto::Gpg::open(
      {.exe = settings.gpg_exe.empty() ? GPG_EXE : settings.gpg_exe, .home_dir = settings.gpg_home_dir});
  if (!gpg) return fail(gpg_error("fko_set_gpg_recipient", spa::fault_of(gpg.error())));
  using enum crypto::GpgKeyUse;
  if (auto used = use_key(*gpg, encrypt, settings.gpg_recipient, "fko_set_gpg_recipient"); !used)
    return fail(used.error());
  if (!settings.gpg_signer.empty()) {
    if (auto used = use_key(*gpg, sign, settings.gpg_signer, "fko_set_gpg_signer"); !used) return fail(used.error());
  }
  return std::move(*gpg);
}

Result<spa::Sealed> seal_with_gpg(const Settings& settings, crypto::Gpg& gpg, const spa::Message& message,
                                  const Keys& keys, const spa::SealSettings& how) {
  // A passphrase that is there is used (wire 9.1, DEVIATE), unless the user wants the agent to have its own.
  if (!keys.cipher.is_empty() && !settings.use_gpg_agent) gpg.set_passphrase(keys.cipher.clone());
  auto sealed = spa::seal_gpg(gpg, message, keys.hmac.view(), how);
  if (sealed) return std::move(*sealed);
  if (sealed.error().code == spa::Code::missing_encoded_data) return fail(too_long(settings));
  return fail(gpg_error("fko_spa_data_final", sealed.error()));
}

void describe_gpg(const Settings& settings, spa::DumpContext& context) {
  context.encryption_type = spa::EncryptionType::gpg;
  context.encryption_mode = EncryptionMode::asymmetric;
  context.gpg = spa::GpgDump{.signer = set_text(settings.gpg_signer),
                             .recipient = set_text(settings.gpg_recipient),
                             .home_dir = set_text(settings.gpg_home_dir),
                             .exe = set_text(settings.gpg_exe)};
}

Result<std::string> decode_with_gpg(const Settings& settings, crypto::Gpg& gpg, const std::string& wire,
                                    const spa::PacketKeys& keys, spa::DumpContext context) {
  describe_gpg(settings, context);
  const auto opened = spa::open_gpg(gpg, spa::IncomingPacket(wire), keys, {});
  if (!opened) {
    Error error = gpg_error("fko_decrypt_spa_data", opened.error());
    if (opened.error().text == "No secret key") error.text += "\nNo access to recipient private key?";
    return fail(error);
  }
  context.digest_type = opened->opened.decoded.digest_type;
  context.encoded = opened->opened.decoded.encoded;
  context.digest = opened->opened.decoded.digest;
  context.hmac = opened->opened.hmac;
  describe_signature(opened->signatures, *context.gpg);
  return spa::format_fields(opened->opened.decoded.message, context) + "\n";
}

}  // namespace latchkey::fwknop
