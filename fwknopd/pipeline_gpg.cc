// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of the pipeline for packets in asymmetric mode (spec/fwknopd-runtime.md 2.2 B6, B11).
#include <algorithm>

#include "common/base/text.h"
#include "common/spa/gpg_packet.h"
#include "fwknopd/gpg_desk.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/pipeline_state.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t id_characters = 8;
constexpr std::size_t long_id_characters = 16;

enum class Match { whole, id };

/// spec/spa-wire.md 9.4: without regard to case and a leading 0x; an ID is the end of a fingerprint, and of one of the
/// two lengths that IDs have: keys that end with less are made in no time.
bool lists(const std::vector<std::string>& wanted, const std::vector<std::string>& fingerprints, Match match) {
  return std::ranges::any_of(wanted, [&](std::string_view id) {
    if (starts_with_ignoring_case(id, "0x")) id.remove_prefix(2);
    const bool is_id = match == Match::id && (id.size() == id_characters || id.size() == long_id_characters);
    return !id.empty() && std::ranges::any_of(fingerprints, [&](std::string_view fingerprint) {
      if (fingerprint.size() < id.size() || (!is_id && fingerprint.size() != id.size())) return false;
      return equals_ignoring_case(fingerprint.substr(fingerprint.size() - id.size()), id);
    });
  });
}

}  // namespace

/// The packet has passed its HMAC, and is a message that gpg could decrypt, before anything is started for it.
std::optional<Pipeline::GpgOutcome> Pipeline::open_gpg(Attempt& attempt, std::size_t index) {
  const Stanza& stanza = context_.stanzas[index];
  if (attempt.answer) {
    GpgOutcome outcome = judge_gpg(attempt, stanza, *attempt.answer);
    attempt.answer.reset();
    return outcome;
  }
  const spa::PacketKeys& keys = states_[index]->gpg;
  const auto failed = [](GpgOutcome::Stage stage, spa::Code code, std::string detail) {
    GpgOutcome outcome;
    outcome.stage = stage;
    outcome.code = code;
    outcome.detail = std::move(detail);
    return outcome;
  };
  const auto head = spa::find_gpg_head(attempt.incoming, keys);
  if (!head) return failed(GpgOutcome::Stage::before_decryption, head.error(), {});
  auto message = spa::decode_gpg_text(attempt.incoming, keys, *head);
  if (!message) return failed(GpgOutcome::Stage::decryption, message.error(), {});
  if (!spa::looks_like_gpg(*message))
    return failed(GpgOutcome::Stage::decryption, spa::Code::gpgme_decrypt_failed, "No data");
  if (waiting_.size() >= GpgDesk::most_waiting)
    return failed(GpgOutcome::Stage::decryption, spa::Code::gpgme_decrypt_failed, "Too many packets wait for gpg");
  attempt.gpg_id = next_gpg_id_++;
  context_.host.start_gpg({*attempt.gpg_id, static_cast<std::uint32_t>(index), std::move(*message)});
  return std::nullopt;
}

Pipeline::GpgOutcome Pipeline::judge_gpg(const Attempt& attempt, const Stanza& stanza, const GpgAnswer& answer) {
  GpgOutcome outcome;
  outcome.code = answer.code;
  outcome.detail = answer.text;
  switch (answer.stage) {
    case GpgAnswer::Stage::bad_exe:
      outcome.stage = GpgOutcome::Stage::exe;
      return outcome;
    case GpgAnswer::Stage::bad_home:
      outcome.stage = GpgOutcome::Stage::home;
      return outcome;
    case GpgAnswer::Stage::failed:
      outcome.stage = GpgOutcome::Stage::decryption;
      return outcome;
    case GpgAnswer::Stage::decrypted:
      break;
  }
  const spa::SignatureRules rules{stanza.gpg.require_signature, stanza.gpg.ignore_signature_errors};
  auto decoded = spa::accept_gpg_plaintext(answer.decrypted, rules);
  if (!decoded) {
    outcome.stage = GpgOutcome::Stage::decryption;
    outcome.code = decoded.error().code;
    outcome.detail = decoded.error().text;
    return outcome;
  }
  if (!answer.is_for_decrypt_id)
    context_.log.warning(text::not_for_decrypt_id, attempt.source, stanza.number, stanza.gpg.decrypt_id.value_or(""));
  outcome.stage = GpgOutcome::Stage::opened;
  const spa::PacketKeys& keys = states_[stanza.number - 1]->gpg;
  const std::size_t hmac_characters = keys.has_hmac() ? crypto::digest_text_size(keys.hmac_type()) : 0;
  const std::string_view wire = attempt.incoming.wire();
  outcome.opened = spa::Opened{std::move(*decoded), std::string(wire.substr(wire.size() - hmac_characters))};
  outcome.dump = {.verifies_signature = stanza.gpg.require_signature,
                  .ignores_signature_errors = stanza.gpg.ignore_signature_errors,
                  .home_dir = stanza.gpg.home_dir,
                  .exe = stanza.gpg.exe.value_or(context_.settings.gpg_exe)};
  if (!stanza.gpg.require_signature) return outcome;
  const crypto::GpgSignature& signature = answer.decrypted.signatures.front();
  const std::string& fingerprint = signature.fingerprint;
  outcome.signer_fingerprint = fingerprint;
  outcome.signer_id = fingerprint.substr(fingerprint.size() - std::min(fingerprint.size(), id_characters));
  outcome.signer_fingerprints = {fingerprint};
  if (!answer.primary_fingerprint.empty()) outcome.signer_fingerprints.push_back(answer.primary_fingerprint);
  outcome.dump.signature_id = outcome.signer_id;
  outcome.dump.signature_fingerprint = fingerprint;
  outcome.dump.signature_summary = signature.summary;
  outcome.dump.signature_status = signature.status;
  return outcome;
}

/// B6, B6b. True when that was all there is to say.
bool Pipeline::tell_of_gpg_failure(const Attempt& attempt, const Stanza& stanza, const GpgOutcome& outcome) {
  const std::string reason = spa::error_text(outcome.code);
  switch (outcome.stage) {
    case GpgOutcome::Stage::before_decryption:
      if (attempt.is_told) context_.log.warning(text::before_decryption, attempt.source, stanza.number, reason);
      return true;
    case GpgOutcome::Stage::exe:
      if (attempt.is_told)
        context_.log.warning(text::bad_gpg_exe, attempt.source, stanza.number, outcome.detail, reason);
      return true;
    case GpgOutcome::Stage::home:
      if (attempt.is_told)
        context_.log.warning(text::bad_gpg_home, attempt.source, stanza.number, outcome.detail, reason);
      return true;
    case GpgOutcome::Stage::opened:
    case GpgOutcome::Stage::decryption:
      break;
  }
  return false;
}

/// B11
bool Pipeline::signer_is_allowed(const Attempt& attempt, const Stanza& stanza) {
  if (!stanza.gpg.require_signature) return true;
  const GpgOutcome& gpg = *attempt.gpg;
  context_.log.info(text::signed_by, attempt.source, stanza.number, gpg.signer_id, gpg.signer_fingerprint);
  if (!stanza.gpg.fingerprint_ids.empty() &&
      !lists(stanza.gpg.fingerprint_ids, gpg.signer_fingerprints, Match::whole)) {
    context_.log.warning(text::bad_fingerprint, attempt.source, stanza.number, gpg.signer_fingerprint);
    return false;
  }
  if (!stanza.gpg.remote_ids.empty() && !lists(stanza.gpg.remote_ids, gpg.signer_fingerprints, Match::id)) {
    context_.log.warning(text::bad_signer_id, attempt.source, stanza.number, gpg.signer_id);
    return false;
  }
  return true;
}

}  // namespace latchkey::fwknopd
