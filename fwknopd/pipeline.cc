// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of the pipeline, named as in spec/fwknopd-runtime.md 2.1 and 2.2.
#include "fwknopd/pipeline.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "common/crypto/digest.h"
#include "common/spa/payload.h"
#include "common/spa/types.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/pipeline_state.h"
#include "fwknopd/policy.h"

namespace latchkey::fwknopd {
namespace {

/// Lines that strangers can cause: as many a second as anybody reads. A packet that turns out to be authentic is
/// always told of.
constexpr std::uint32_t lines_a_second = 200;

spa::PacketKeys rijndael_keys(const Stanza& stanza) {
  return {{stanza.mode, stanza.hmac_type},
          stanza.key ? stanza.key->clone() : crypto::SecretBytes(),
          stanza.hmac_key ? stanza.hmac_key->view() : ByteView()};
}

spa::PacketKeys gpg_keys(const Stanza& stanza) {
  return {{spa::EncryptionMode::asymmetric, stanza.hmac_type},
          crypto::SecretBytes(),
          stanza.hmac_key ? stanza.hmac_key->view() : ByteView()};
}

ReplayDigest digest_of(std::string_view text) {
  ReplayDigest digest;
  std::ranges::copy(crypto::digest(spa::DigestType::sha256, as_bytes(text)).view(), digest.begin());
  return digest;
}

/// What a stranger wrote may stand in a dump of several lines only without line ends of its own.
spa::Message escaped(const spa::Message& message) {
  spa::Message copy = message;
  copy.server_auth = log::escape_controls(copy.server_auth);
  if (auto* command = std::get_if<spa::Command>(&copy.body)) {
    command->request.text = log::escape_controls(command->request.text);
  }
  return copy;
}

}  // namespace

Pipeline::StanzaState::StanzaState(const Stanza& stanza) : rijndael(rijndael_keys(stanza)), gpg(gpg_keys(stanza)) {}

Pipeline::Pipeline(const PipelineContext& context)
    : context_(context), sources_(context.stanzas), stranger_lines_(lines_a_second, std::chrono::seconds(1)) {
  for (const Stanza& stanza : context.stanzas) states_.push_back(std::make_unique<StanzaState>(stanza));
  every_stanza_.resize(context.stanzas.size());
  std::iota(every_stanza_.begin(), every_stanza_.end(), 0U);
}
Pipeline::~Pipeline() = default;

template <class... T>
bool Pipeline::tell_of_stranger(log::Level level, fmt::format_string<T...> format, const T&... values) {
  return context_.log.limited(stranger_lines_, context_.clock.monotonic(), level, format, values...);
}

// --- stage A -----------------------------------------------------------------------------------------------------

void Pipeline::process(const SpaPacket& packet) {
  const Settings& settings = context_.settings;
  const std::string source = net::format_ip_address(packet.source);
  auto payload =
      spa::check_payload(packet.payload, {settings.spa_over_http, settings.any_user_agent, settings.x_forwarded_for});
  if (!payload) {
    context_.log.debug(text::bad_payload, source, static_cast<int>(payload.error()), spa::error_text(payload.error()));
    return;
  }
  const auto forwarded = forwarded_address(payload->forwarded_for);
  dump_payload(as_bytes(payload->text));
  const auto stanzas = candidates(packet.source);
  if (stanzas.empty()) {
    tell_of_stranger(log::Level::warning, text::no_access_data, source);
    return;
  }
  if (payload->text.size() >= spa::limit::text_below) {
    tell_of_stranger(log::Level::warning, text::bad_context, spa::error_text(spa::Code::funcs_new_msglen_validfail));
    return;
  }
  const ReplayDigest digest = digest_of(payload->text);
  if (is_replay(packet, digest)) return;
  auto attempt = std::make_unique<Attempt>(
      Attempt{packet, spa::IncomingPacket(payload->text), digest, source, forwarded, packet.source});
  attempt->packet.payload = {};
  try_stanzas(std::move(attempt));
}

std::span<const std::uint32_t> Pipeline::candidates(const net::IpAddress& source) {
  if (!source.is_v4()) return {};
  const auto found = sources_.find(source.v4_value());
  return found.empty() || !context_.log.shows(log::Level::debug) ? found
                                                                 : std::span<const std::uint32_t>(every_stanza_);
}

std::optional<net::IpAddress> Pipeline::forwarded_address(const std::optional<std::string>& header) {
  if (!header) return std::nullopt;
  const auto address = net::parse_ip_address(*header);
  if (address && address->is_v4()) return address;
  tell_of_stranger(log::Level::warning, text::bad_forwarded_for, *header);
  return std::nullopt;
}

void Pipeline::dump_payload(ByteView payload) {
  if (!context_.settings.foreground || context_.settings.verbosity < 3) return;
  context_.host.print("[+] candidate SPA packet payload:\n" + format_hex_dump(payload));
}

bool Pipeline::is_replay(const SpaPacket& packet, const ReplayDigest& digest) {
  const ReplayEntry* known = context_.cache.find(digest);
  if (!known) return false;
  tell_of_stranger(log::Level::warning, text::replay, net::format_ip_address(packet.source), packet.protocol,
                   packet.destination_port, net::format_ip_address(net::IpAddress::v4(known->source)), known->protocol,
                   known->destination_port, format_local_time(from_epoch_seconds(known->time_s), "%m/%d/%y %H:%M:%S"));
  return true;
}

// --- stage B -----------------------------------------------------------------------------------------------------

void Pipeline::try_stanzas(std::unique_ptr<Attempt> attempt) {
  const auto stanzas = candidates(attempt->packet.source);
  for (; attempt->position < stanzas.size(); ++attempt->position) {
    const Verdict verdict = try_stanza(*attempt, stanzas[attempt->position]);
    if (verdict == Verdict::stop) return;
    if (verdict == Verdict::next) continue;
    const std::uint64_t id = *attempt->gpg_id;
    waiting_.emplace(id, std::move(attempt));
    return;
  }
}

void Pipeline::finish_gpg(GpgAnswer answer) {
  const auto found = waiting_.find(answer.id);
  if (found == waiting_.end()) return;
  auto attempt = std::move(found->second);
  waiting_.erase(found);
  attempt->gpg_id.reset();
  attempt->answer = std::move(answer);
  // Another copy may have come in, and been through, meanwhile.
  if (!attempt->is_remembered && is_replay(attempt->packet, attempt->digest)) return;
  try_stanzas(std::move(attempt));
}

/// B1 to B3. False: the stanza is not for this packet.
bool Pipeline::is_in_question(Attempt& attempt, std::size_t index) {
  const Stanza& stanza = context_.stanzas[index];
  const SpaPacket& packet = attempt.packet;
  const std::int64_t now_s = to_epoch_seconds(context_.clock.wall());
  if (!matches(stanza, packet.source, packet.destination)) {  // B1
    context_.log.debug(text::filtered, stanza.number, attempt.source, net::format_ip_address(packet.destination));
    return false;
  }
  attempt.is_told = tell_of_stranger(log::Level::info, text::received, stanza.number, attempt.source);  // B2
  if (attempt.is_told) context_.log.debug(text::packet_data, attempt.incoming.wire());
  if (is_expired(stanza, now_s)) {  // B3
    if (!std::exchange(states_[index]->is_expiry_told, true)) {
      context_.log.info(text::expired, attempt.source, stanza.number);
    }
    return false;
  }
  attempt.step = 0;
  attempt.failure.reset();
  attempt.gpg.reset();
  return true;
}

Pipeline::Verdict Pipeline::try_stanza(Attempt& attempt, std::size_t index) {
  const Stanza& stanza = context_.stanzas[index];
  const bool goes_on = attempt.answer.has_value();
  if (!goes_on && !is_in_question(attempt, index)) return Verdict::next;
  const auto opened = open(attempt, index);  // B4 to B8
  if (attempt.gpg_id) return Verdict::wait;
  if (!opened) return Verdict::next;
  if (!attempt.is_told) context_.log.info(text::received, stanza.number, attempt.source);
  if (is_known_message(attempt, *opened)) return Verdict::stop;
  if (!remember(attempt, stanza, *opened)) return Verdict::next;  // B9
  debug_fields(attempt, stanza, *opened);                         // B10
  if (attempt.gpg && !signer_is_allowed(attempt, stanza)) return Verdict::next;
  if (!message_is_acceptable(attempt, stanza, opened->decoded.message)) return Verdict::next;
  return act(attempt, index, opened->decoded.message);
}

std::optional<spa::Opened> Pipeline::open(Attempt& attempt, std::size_t index) {
  const Stanza& stanza = context_.stanzas[index];
  const StanzaState& state = *states_[index];
  const auto plan =
      spa::plan_attempts(attempt.incoming.wire(), {stanza.key.has_value(), stanza.gpg.is_used, stanza.enable_cmd_exec});
  const auto steps = std::to_array({plan.first, plan.second});
  for (; attempt.step < steps.size(); ++attempt.step) {
    const auto& step = steps[attempt.step];
    // A Rijndael packet whose length says GPG stays refused: the type rule is part of the contract (2.1).
    if (!step || (step->is_quiet && step->cipher == spa::EncryptionType::rijndael)) continue;
    if (step->cipher == spa::EncryptionType::rijndael) {
      auto opened = spa::open_rijndael(attempt.incoming, state.rijndael);
      if (opened) return std::move(*opened);
      if (!step->is_quiet) attempt.failure = opened.error();
    } else {
      auto outcome = open_gpg(attempt, index);
      if (!outcome) return std::nullopt;
      if (outcome->opened) {
        attempt.gpg = std::move(*outcome);
        return std::move(attempt.gpg->opened);
      }
      if (step->is_quiet) continue;
      if (tell_of_gpg_failure(attempt, stanza, *outcome)) return std::nullopt;
      attempt.failure = outcome->code;
      attempt.gpg = std::move(*outcome);
    }
  }
  tell_of_failure(attempt, stanza, plan.guess, attempt.failure);
  attempt.gpg.reset();
  return std::nullopt;
}

/// B7, B8.
void Pipeline::tell_of_failure(const Attempt& attempt, const Stanza& stanza, spa::EncryptionType guess,
                               std::optional<spa::Code> failure) {
  if (!attempt.is_told) return;
  if (!failure) {
    context_.log.error(text::no_mode_match, attempt.source, stanza.number, static_cast<int>(guess));
  } else if (*failure == spa::Code::hmac_comparefail) {
    context_.log.debug(text::bad_message, attempt.source, stanza.number, spa::error_text(*failure));
    context_.log.info(text::hmac_mismatch, stanza.number);
  } else {
    context_.log.warning(text::bad_message, attempt.source, stanza.number, spa::error_text(*failure));
    if (spa::is_gpg_error(*failure)) {
      context_.log.warning(text::gpg_error, attempt.source, stanza.number,
                           attempt.gpg ? attempt.gpg->detail : std::string());
    }
  }
}

/// What no HMAC covers has other texts that open just as well: without the block that is all padding, or with other
/// headers around a GPG message. There the message itself counts, too, which nobody else can make anew.
bool Pipeline::is_known_message(const Attempt& attempt, const spa::Opened& opened) {
  return opened.hmac.empty() && !attempt.is_remembered && is_replay(attempt.packet, digest_of(opened.decoded.encoded));
}

bool Pipeline::remember(Attempt& attempt, const Stanza& stanza, const spa::Opened& opened) {
  if (context_.settings.test_mode || attempt.is_remembered) return true;
  attempt.is_remembered =
      keep(attempt, attempt.digest) && (!opened.hmac.empty() || keep(attempt, digest_of(opened.decoded.encoded)));
  if (!attempt.is_remembered) context_.log.warning(text::not_remembered, attempt.source, stanza.number);
  return attempt.is_remembered;
}

bool Pipeline::keep(const Attempt& attempt, const ReplayDigest& digest) {
  const SpaPacket& packet = attempt.packet;
  const ReplayEntry entry{digest,
                          packet.protocol,
                          packet.source_port,
                          packet.destination_port,
                          packet.source.v4_value(),
                          packet.shown_destination.v4_value(),
                          to_epoch_seconds(context_.clock.wall())};
  context_.cache.add(entry);  // also when it cannot be written: the packet is refused, and so is a second copy
  return context_.host.remember(entry);
}

void Pipeline::debug_fields(const Attempt& attempt, const Stanza& stanza, const spa::Opened& opened) {
  if (!context_.log.shows(log::Level::debug)) return;
  const auto wire = attempt.incoming.wire();
  const bool is_gpg = attempt.gpg.has_value();
  spa::DumpContext context{
      .digest_type = opened.decoded.digest_type,
      .hmac_type = opened.hmac.empty() ? spa::DigestType::none : stanza.hmac_type,
      .encryption_type = is_gpg ? spa::EncryptionType::gpg : spa::EncryptionType::rijndael,
      .encryption_mode = is_gpg ? spa::EncryptionMode::asymmetric : stanza.mode,
      .encoded = opened.decoded.encoded,
      .digest = opened.decoded.digest,
      .hmac = opened.hmac,
      .wire = std::string(wire.substr(0, wire.size() - std::min(wire.size(), opened.hmac.size()))),
  };
  if (is_gpg) context.gpg = attempt.gpg->dump;
  context_.log.debug(text::decoded, attempt.source, stanza.number);
  context_.log.write(log::Level::debug, spa::format_fields(escaped(opened.decoded.message), context));
}

/// B14 to B19
bool Pipeline::message_is_acceptable(Attempt& attempt, const Stanza& stanza, const spa::Message& message) {
  const Settings& settings = context_.settings;
  if (settings.packet_aging) {
    const std::int64_t age_s =
        std::abs(to_epoch_seconds(context_.clock.wall()) - static_cast<std::int64_t>(message.timestamp_s));
    if (age_s > settings.max_packet_age.count()) {
      context_.log.warning(text::too_old, attempt.source, stanza.number, age_s);
      return false;
    }
  }
  const auto named = net::parse_ip_address(message.allow_ip());
  attempt.allowed = named && !named->is_unspecified() ? *named : attempt.forwarded_for.value_or(attempt.packet.source);
  if (stanza.require_source_address && (!named || named->is_unspecified())) {
    context_.log.warning(text::no_source_address, attempt.source, stanza.number);
    return false;
  }
  if (stanza.require_username && message.username != *stanza.require_username) {
    context_.log.warning(text::bad_username, attempt.source, stanza.number, message.username, *stanza.require_username);
    return false;
  }
  if (!allows_kind(settings.firewall, kind_of(message.body))) {
    context_.log.warning(text::nat_not_enabled, stanza.number, attempt.source);
    return false;
  }
  return true;
}

}  // namespace latchkey::fwknopd
