// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of the monitor, answered with gpg.
#include "fwknopd/gpg_helper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "common/privsep/channel.h"
#include "common/spa/gpg_packet.h"

namespace latchkey::fwknopd {
namespace {

bool is_program(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

bool is_folder(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

std::string_view without_0x(std::string_view id) { return starts_with_ignoring_case(id, "0x") ? id.substr(2) : id; }

bool ends_with_id(std::string_view fingerprint, std::string_view id) {
  return fingerprint.size() >= id.size() &&
         equals_ignoring_case(fingerprint.substr(fingerprint.size() - id.size()), id);
}

/// Recipients are named by the ids of their subkeys, GPG_DECRYPT_ID mostly names the primary key. A name instead of an
/// id cannot be told from the packet, and passes.
bool is_recipient(crypto::Gpg& gpg, const std::vector<std::string>& recipients, std::string_view decrypt_id) {
  const std::string_view id = without_0x(decrypt_id);
  if (id.size() < 8 || !parse_hex(id)) return true;
  return std::ranges::any_of(recipients, [&](const std::string& recipient) {
    if (ends_with_id(recipient, id) || ends_with_id(id, recipient)) return true;
    return ends_with_id(gpg.primary_fingerprint(recipient).value_or(""), id);
  });
}

GpgAnswer failed(const GpgRequest& request, const crypto::GpgError& error) {
  const spa::GpgFault fault = spa::fault_of(error);
  return {.id = request.id, .stage = GpgAnswer::Stage::failed, .code = fault.code, .text = fault.text};
}

GpgAnswer decrypt(const GpgRequest& request, const Stanza& stanza, const crypto::GpgEngine& engine) {
  auto gpg = crypto::Gpg::open(engine);
  if (!gpg) return failed(request, gpg.error());
  if (!stanza.gpg.decrypt_password.is_empty()) gpg->set_passphrase(stanza.gpg.decrypt_password.clone());
  auto decrypted = gpg->decrypt(request.message);
  if (!decrypted) return failed(request, decrypted.error());
  GpgAnswer answer{.id = request.id, .stage = GpgAnswer::Stage::decrypted};
  const auto& signatures = decrypted->signatures;
  if (stanza.gpg.require_signature && !signatures.empty() && signatures.front().is_verified)
    answer.primary_fingerprint = gpg->primary_fingerprint(signatures.front().fingerprint).value_or("");
  if (stanza.gpg.decrypt_id)
    answer.is_for_decrypt_id = is_recipient(*gpg, decrypted->recipients, *stanza.gpg.decrypt_id);
  answer.decrypted = std::move(*decrypted);
  return answer;
}

class GpgHelper final : public privsep::ConfinedProgram {
 public:
  GpgHelper(privsep::Channel channel, const Configuration& configuration)
      : channel_(std::move(channel)), configuration_(configuration) {}

  int run() override {
    for (;;) {
      const auto message = channel_.receive_waiting(-1);
      if (!message) return 0;  // the monitor has ended
      const auto request = decode_gpg_request(message->payload);
      if (!request || request->stanza >= configuration_.stanzas.size()) return 1;
      const GpgAnswer answer =
          answer_gpg_request(*request, configuration_.stanzas[request->stanza], configuration_.settings);
      Bytes payload = encode(answer);
      const auto sent = channel_.send(gpg_message_type, payload);
      wipe(payload.data(), payload.size());
      if (!sent || !channel_.flush_waiting(-1)) return 1;
    }
  }

 private:
  privsep::Channel channel_;
  const Configuration& configuration_;
};

}  // namespace

GpgAnswer answer_gpg_request(const GpgRequest& request, const Stanza& stanza, const Settings& settings) {
  const std::string exe = stanza.gpg.exe.value_or(settings.gpg_exe);
  const std::string home = stanza.gpg.home_dir.value_or(settings.gpg_home_dir);
  if (!is_program(exe))
    return {.id = request.id, .stage = GpgAnswer::Stage::bad_exe, .code = spa::Code::gpgme_bad_gpg_exe, .text = exe};
  if (!is_folder(home))
    return {.id = request.id, .stage = GpgAnswer::Stage::bad_home, .code = spa::Code::gpgme_bad_home_dir, .text = home};
  return decrypt(request, stanza, {.exe = exe, .home_dir = home, .may_ask = false});
}

Result<std::unique_ptr<privsep::ConfinedProgram>> make_gpg_helper(privsep::Channel channel,
                                                                  const Configuration& configuration) {
  return std::unique_ptr<privsep::ConfinedProgram>(std::make_unique<GpgHelper>(std::move(channel), configuration));
}

}  // namespace latchkey::fwknopd
