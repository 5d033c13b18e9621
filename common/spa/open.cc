// SPDX-License-Identifier: GPL-2.0-or-later
// Opening wire packets with the keys of one stanza.
#include "common/spa/open.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "common/crypto/base64.h"
#include "common/spa/rijndael.h"

namespace latchkey::spa {
namespace {

bool has_right_hmac(const IncomingPacket& packet, const PacketKeys& keys, std::size_t mac_size) {
  const crypto::DigestValue* mac = packet.hmac_value(mac_size);
  if (mac == nullptr) return false;
  const bool is_gpg = keys.mode() == EncryptionMode::asymmetric;
  const std::string_view text = is_gpg ? packet.bare_text(mac_size) : packet.rijndael_text(mac_size);
  const std::string_view prefix = is_gpg && !text.starts_with(gpg_prefix) ? gpg_prefix : std::string_view{};
  return crypto::equal_in_constant_time(keys.hmac()->compute(as_bytes(prefix), as_bytes(text)).view(), mac->view());
}

bool starts_like_a_message(ByteView plaintext) {
  const std::string_view text = as_text(plaintext);
  return std::ranges::all_of(text.substr(0, limit::random_value), is_digit) && text[limit::random_value] == ':';
}

// Steps 9 to 12 of 7.3 and 7.4. `ciphertext` has its prefix and is a canonical text.
Result<Decoded, Code> decrypt_and_decode(std::string_view ciphertext, const PacketKeys& keys,
                                         crypto::CipherMode cipher) {
  auto raw = crypto::decode_base64_secret(ciphertext);
  // A block must follow the salt; the peer reads in front of its buffer there.
  if (!raw || raw->size() % crypto::aes_block_bytes != 0 || raw->size() <= framing_bytes)
    return fail(Code::encrypt_cipherlen_validfail);
  if (!raw->text().starts_with(salted_magic)) return fail(Code::decryption_failure);
  const ByteView plaintext = decrypt_framed(keys.mode(), cipher, keys.cipher_key().view(), raw->span());
  if (plaintext.empty()) return fail(Code::decryption_size);
  if (plaintext.size() < limit::least_text || plaintext.size() >= limit::text_below)
    return fail(Code::decode_msglen_validfail);
  if (!starts_like_a_message(plaintext)) return fail(Code::decryption_failure);
  return decode(plaintext);
}

// From step 6 of 7.3 on.
Result<Decoded, Code> open_ciphertext(std::string_view ciphertext, const PacketKeys& keys) {
  if (keys.cipher_key().size() > limit::cipher_key) return fail(Code::invalid_key_len);
  // Only the canonical text of a packet counts, so that one ciphertext has one replay digest (7.5, DEVIATE).
  if (!crypto::is_base64_text(ciphertext) || ciphertext.find('=') != std::string_view::npos)
    return fail(Code::encode_notbase64);
  if (!crypto::is_canonical_base64(ciphertext)) return fail(Code::encrypt_cipherlen_validfail);
  const auto cipher = cipher_mode(keys.mode());
  if (!cipher) return fail(Code::invalid_encryption_type);
  return decrypt_and_decode(ciphertext, keys, *cipher);
}

}  // namespace

PacketKeys::PacketKeys(Settings settings, crypto::SecretBytes cipher_key, ByteView hmac_key)
    : settings_(settings), cipher_key_(std::move(cipher_key)) {
  if (hmac_key.empty()) return;
  if (hmac_key.size() > limit::hmac_key)
    hmac_key_error_ = Code::invalid_hmac_key_len;
  else if (settings.hmac_type == DigestType::none)
    hmac_key_error_ = Code::unsupported_hmac_mode;
  else
    hmac_.emplace(settings.hmac_type, hmac_key);
}

IncomingPacket::IncomingPacket(std::string_view wire) : prefixed_(rijndael_prefix) {
  prefixed_ += wire.substr(0, wire.find('\0'));
  base64_characters_ = crypto::count_base64_characters(this->wire());
}

const crypto::DigestValue* IncomingPacket::hmac_value(std::size_t hmac_characters) const {
  if (hmac_characters != hmac_characters_) {
    hmac_characters_ = hmac_characters;
    hmac_.reset();
    const std::string_view text = wire().substr(wire().size() - hmac_characters);
    const bool is_plain = crypto::is_base64_text(text) && text.find('=') == std::string_view::npos;
    if (is_plain && crypto::is_canonical_base64(text)) {
      hmac_.emplace(crypto::decoded_base64_size(text.size()));
      crypto::decode_base64_into(text, hmac_->span());
    }
  }
  return hmac_ ? &*hmac_ : nullptr;
}

std::string_view IncomingPacket::bare_text(std::size_t hmac_characters) const {
  return wire().substr(0, wire().size() - hmac_characters);
}

std::string_view IncomingPacket::rijndael_text(std::size_t hmac_characters) const {
  const std::string_view bare = bare_text(hmac_characters);
  if (bare.starts_with(rijndael_prefix)) return bare;
  return std::string_view{prefixed_}.substr(0, prefixed_.size() - hmac_characters);
}

Result<void, Code> check_hmac(const IncomingPacket& packet, const PacketKeys& keys) {
  const std::string_view wire = packet.wire();
  if (wire.size() < limit::least_text || wire.size() >= limit::text_below)
    return fail(Code::funcs_new_msglen_validfail);
  if (const auto error = keys.hmac_key_error()) return fail(*error);
  if (keys.hmac() == nullptr) return {};
  const std::size_t mac_size = keys.hmac_characters();
  if (wire.size() < mac_size + limit::least_text) return fail(Code::hmac_encmsglen_validfail);
  if (!packet.is_base64(mac_size)) return fail(Code::encode_notbase64);
  if (!has_right_hmac(packet, keys, mac_size)) return fail(Code::hmac_comparefail);
  return {};
}

Result<Opened, Code> open_rijndael(const IncomingPacket& packet, const PacketKeys& keys) {
  if (auto checked = check_hmac(packet, keys); !checked) return fail(checked.error());
  const std::size_t mac_size = keys.hmac_characters();
  const std::string_view ciphertext = packet.rijndael_text(mac_size);
  // With an HMAC the peers count the restored prefix, without it they do not (7.2).
  const std::size_t guessed_length = keys.has_hmac() ? ciphertext.size() : packet.wire().size();
  auto decoded = open_ciphertext(ciphertext, keys);
  if (!decoded) {
    const bool is_taken_for_gpg = guess_encryption(guessed_length) != EncryptionType::rijndael;
    return fail(is_taken_for_gpg ? Code::encrypt_type_unknown : decoded.error());
  }
  return Opened{std::move(*decoded), std::string(packet.wire().substr(packet.wire().size() - mac_size))};
}

AttemptPlan plan_attempts(std::string_view wire, StanzaCiphers stanza) {
  using enum EncryptionType;
  AttemptPlan plan{.guess = guess_encryption(wire.size())};
  if (plan.guess == unknown) return plan;
  const bool is_rijndael_loud = plan.guess == rijndael || stanza.allows_commands;
  const AttemptPlan::Step try_rijndael{rijndael, !is_rijndael_loud};
  const AttemptPlan::Step try_gpg{gpg, plan.guess != gpg};
  const bool is_rijndael_first =
      is_rijndael_loud || (!wire.empty() && std::string_view{"89+/"}.find(wire.front()) != std::string_view::npos);
  if (stanza.has_rijndael_key && stanza.uses_gpg) {
    plan.first = is_rijndael_first ? try_rijndael : try_gpg;
    plan.second = is_rijndael_first ? try_gpg : try_rijndael;
  } else if (stanza.has_rijndael_key) {
    plan.first = try_rijndael;
  } else if (stanza.uses_gpg) {
    plan.first = try_gpg;
  }
  return plan;
}

}  // namespace latchkey::spa
