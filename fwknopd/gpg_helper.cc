// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of the monitor, answered with gpg.
#include "fwknopd/gpg_helper.h"

#include <signal.h>
#include <sys/prctl.h>
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

const std::string& gpg_exe_of(const Stanza& stanza, const Settings& settings) {
  return stanza.gpg.exe ? *stanza.gpg.exe : settings.gpg_exe;
}

/// A gpg-agent leaves the process that started it: as its new parent we are how the monitor finds it (GpgWorker).
/// Nobody waits for the other orphans, so the kernel forgets them at once; programs do not inherit that.
Result<void> adopt_orphans() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDWAIT;
  if (::sigaction(SIGCHLD, &action, nullptr) != 0) return fail(os_error("SIGCHLD"));
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return fail(os_error("PR_SET_CHILD_SUBREAPER"));
  return {};
}

/// This process reads what a stranger has encrypted: it holds passphrases of key rings and nothing else.
void forget_other_keys(std::vector<Stanza>& stanzas) {
  for (Stanza& stanza : stanzas) {
    stanza.key.reset();
    stanza.hmac_key.reset();
  }
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

const std::string& gpg_home_of(const Stanza& stanza, const Settings& settings) {
  return stanza.gpg.home_dir ? *stanza.gpg.home_dir : settings.gpg_home_dir;
}

std::optional<GpgAnswer> find_gpg_path_fault(const GpgRequest& request, const Stanza& stanza,
                                             const Settings& settings) {
  using enum GpgAnswer::Stage;
  const std::string& exe = gpg_exe_of(stanza, settings);
  const std::string& home = gpg_home_of(stanza, settings);
  if (!is_program(exe))
    return GpgAnswer{.id = request.id, .stage = bad_exe, .code = spa::Code::gpgme_bad_gpg_exe, .text = exe};
  if (!is_folder(home))
    return GpgAnswer{.id = request.id, .stage = bad_home, .code = spa::Code::gpgme_bad_home_dir, .text = home};
  return std::nullopt;
}

GpgAnswer answer_gpg_request(const GpgRequest& request, const Stanza& stanza, const Settings& settings) {
  if (auto fault = find_gpg_path_fault(request, stanza, settings)) return *std::move(fault);
  return decrypt(request, stanza,
                 {.exe = gpg_exe_of(stanza, settings), .home_dir = gpg_home_of(stanza, settings), .may_ask = false});
}

Result<std::unique_ptr<privsep::ConfinedProgram>> make_gpg_helper(privsep::Channel channel,
                                                                  Configuration& configuration) {
  forget_other_keys(configuration.stanzas);
  if (auto adopted = adopt_orphans(); !adopted) return fail(adopted.error());
  return std::unique_ptr<privsep::ConfinedProgram>(std::make_unique<GpgHelper>(std::move(channel), configuration));
}

}  // namespace latchkey::fwknopd
