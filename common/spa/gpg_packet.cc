// SPDX-License-Identifier: GPL-2.0-or-later
// Asymmetric mode: prefix, structure, signatures.
#include "common/spa/gpg_packet.h"

#include <algorithm>
#include <array>

#include "common/crypto/base64.h"
#include "common/spa/codec.h"

namespace latchkey::spa {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int marginal_validity = 3;  // GPGME's number; trust below it is none

// The heads of session-key packets: old format with a length of one octet, new format.
std::vector<std::string> other_heads() {
  std::vector<std::string> heads;
  for (const char second : base64_digits.substr(0, 16)) heads.push_back({'h', second});
  for (const char second : base64_digits.substr(16, 16)) heads.push_back({'w', second});
  return heads;
}

// One OpenPGP packet (RFC 4880, 4.2): its tag, and where its body begins and ends in the message.
struct Part {
  unsigned tag;
  std::size_t body;
  std::size_t end;
};

// A length of `count` octets, big-endian.
std::optional<std::size_t> take_length(Cursor& cursor, std::size_t count) {
  const auto octets = cursor.take(count);
  if (!octets) return std::nullopt;
  std::size_t length = 0;
  for (const std::byte octet : *octets) length = length << 8 | std::to_integer<std::size_t>(octet);
  return length;
}

std::optional<std::size_t> take_old_length(Cursor& cursor, unsigned kind) {
  if (kind == 3) return cursor.rest().size();  // to the end
  return take_length(cursor, std::size_t{1} << kind);
}

// Skips body pieces of partial lengths; what is returned is the length of the last one.
std::optional<std::size_t> take_new_length(Cursor& cursor) {
  while (const auto octet = cursor.take_u8()) {
    if (*octet < 192) return *octet;
    if (*octet == 255) return take_length(cursor, 4);
    if (*octet < 224) {
      const auto low = cursor.take_u8();
      if (!low) return std::nullopt;
      return (*octet - 192u) * 256u + *low + 192u;
    }
    if (!cursor.skip(std::size_t{1} << (*octet & 31))) return std::nullopt;
  }
  return std::nullopt;
}

std::size_t new_header_bytes(std::byte length_octet) {
  const auto octet = std::to_integer<unsigned>(length_octet);
  if (octet == 255) return 6;
  return octet >= 192 && octet < 224 ? 3 : 2;
}

std::optional<Part> read_part(ByteView message) {
  Cursor cursor{message};
  const auto first = cursor.take_u8();
  if (!first || (*first & 0x80) == 0) return std::nullopt;
  const bool is_new = (*first & 0x40) != 0;
  const unsigned tag = is_new ? *first & 63u : *first >> 2 & 15u;
  const auto length = is_new ? take_new_length(cursor) : take_old_length(cursor, *first & 3u);
  if (!length) return std::nullopt;
  const std::size_t piece = message.size() - cursor.rest().size();
  if (!cursor.skip(*length)) return std::nullopt;
  return Part{tag, is_new ? new_header_bytes(message[1]) : piece, piece + *length};
}

constexpr unsigned session_key_tag = 1;
constexpr unsigned passphrase_key_tag = 3;

unsigned version_of(const Part& part, ByteView message) {
  return part.body < part.end ? std::to_integer<unsigned>(message[part.body]) : 0;
}

bool is_session_key(const Part& part, ByteView message) {
  return part.tag == session_key_tag && version_of(part, message) == 3;
}

// Versions 4 to 6 exist. What is checked here keeps random octets of a body from passing for a packet.
bool is_passphrase_key(const Part& part, ByteView message) {
  return part.tag == passphrase_key_tag && version_of(part, message) >= 4 && version_of(part, message) <= 6;
}

// Integrity-protected data (18) or that of GnuPG 2.4's OCB mode (20); nothing else has been written for 20 years.
bool is_encrypted_data(const Part& part, ByteView message) {
  return (part.tag == 18 || part.tag == 20) && (version_of(part, message) == 1 || version_of(part, message) == 2);
}

// Session keys, for a secret key (1) or a passphrase (3), then encrypted data that ends with the message.
bool is_whole_message(ByteView message) {
  while (const auto part = read_part(message)) {
    if (is_encrypted_data(*part, message)) return part->end == message.size();
    if (!is_passphrase_key(*part, message) && !is_session_key(*part, message)) return false;
    message = message.subspan(part->end);
  }
  return false;
}

unsigned digit_value(char c) { return static_cast<unsigned>(base64_digits.find(c)); }

// Another head changes the first octet and the upper half of the second one.
void put_head(Bytes& message, std::string_view head) {
  const unsigned first = digit_value(head[0]);
  const unsigned second = digit_value(head[1]);
  message[0] = static_cast<std::byte>(first << 2 | second >> 4);
  message[1] = static_cast<std::byte>((second & 15) << 4) | (message[1] & std::byte{15});
}

bool has_right_hmac(const PacketKeys& keys, std::string_view head, std::string_view bare, std::string_view mac) {
  const std::string expected = crypto::encode_base64(keys.hmac()->compute(as_bytes(head), as_bytes(bare)).view());
  return crypto::equal_in_constant_time(as_bytes(expected), as_bytes(mac));
}

}  // namespace

GpgFault fault_of(const crypto::GpgError& error, crypto::GpgKeyUse use) {
  const bool is_signer = use == crypto::GpgKeyUse::sign;
  const auto code = [&] {
    switch (error.failure) {
      case crypto::GpgFailure::no_library:
      case crypto::GpgFailure::no_openpgp:
        return Code::gpgme_no_openpgp;
      case crypto::GpgFailure::context:
        return Code::gpgme_context;
      case crypto::GpgFailure::protocol:
        return Code::gpgme_set_protocol;
      case crypto::GpgFailure::plaintext_object:
        return Code::gpgme_plaintext_data_obj;
      case crypto::GpgFailure::ciphertext_object:
        return Code::gpgme_cipher_data_obj;
      case crypto::GpgFailure::key_list:
        return is_signer ? Code::gpgme_signer_keylist_start : Code::gpgme_recipient_keylist_start;
      case crypto::GpgFailure::key_not_found:
        return is_signer ? Code::gpgme_signer_key_not_found : Code::gpgme_recipient_key_not_found;
      case crypto::GpgFailure::key_ambiguous:
        return is_signer ? Code::gpgme_signer_key_ambiguous : Code::gpgme_recipient_key_ambiguous;
      case crypto::GpgFailure::add_signer:
        return Code::gpgme_add_signer;
      case crypto::GpgFailure::encrypt:
        return Code::gpgme_encrypt_sign;
      case crypto::GpgFailure::decrypt:
        return Code::gpgme_decrypt_failed;
      case crypto::GpgFailure::decrypt_unsupported:
        return Code::gpgme_decrypt_unsupported_algorithm;
    }
    return Code::unknown;
  }();
  return {code, error.text};
}

bool looks_like_gpg(ByteView message) {
  const auto part = read_part(message);
  return part && is_session_key(*part, message) && part->end < message.size() &&
         (message[part->end] & std::byte{0x80}) != std::byte{};
}

Result<std::string, Code> find_gpg_head(const IncomingPacket& packet, const PacketKeys& keys) {
  const auto checked = check_hmac(packet, keys);
  const bool is_other_head_possible = checked.ok() || checked.error() == Code::hmac_comparefail;
  if (!is_other_head_possible) return fail(checked.error());
  const std::size_t mac_size = keys.hmac_characters();
  const std::string_view bare = packet.bare_text(mac_size);
  const std::string_view mac = packet.wire().substr(bare.size());
  if (bare.starts_with(gpg_prefix)) return checked ? Result<std::string, Code>(std::string{}) : fail(checked.error());
  if (checked && keys.has_hmac()) return std::string(gpg_prefix);
  auto message = crypto::decode_base64_lenient(std::string(gpg_prefix) + std::string(bare));
  const bool is_usual = checked && (!message || message->size() < 2 || is_whole_message(*message));
  if (is_usual) return std::string(gpg_prefix);
  for (const std::string& head : other_heads()) {
    if (!message || message->size() < 2) break;
    put_head(*message, head);
    if (is_whole_message(*message) && (!keys.has_hmac() || has_right_hmac(keys, head, bare, mac))) return head;
  }
  return checked ? Result<std::string, Code>(std::string(gpg_prefix)) : fail(checked.error());
}

Result<Bytes, Code> decode_gpg_text(const IncomingPacket& packet, const PacketKeys& keys, std::string_view head) {
  const std::string text = std::string(head) + std::string(packet.bare_text(keys.hmac_characters()));
  if (!crypto::is_base64_text(text) || text.find('=') != std::string::npos) return fail(Code::encode_notbase64);
  auto message = crypto::decode_base64_strict(text);
  if (!message) return fail(Code::encrypt_gpg_cipher_decodefail);
  return std::move(*message);
}

Result<Decoded, GpgFault> accept_gpg_plaintext(const crypto::GpgDecrypted& decrypted, const SignatureRules& rules) {
  if (rules.is_required) {
    if (decrypted.signatures.empty()) return fail(GpgFault{Code::gpgme_no_signature});
    // Only the first counts, and its text is what the log tells.
    const crypto::GpgSignature& first = decrypted.signatures.front();
    const bool is_good = first.status == 0 && first.validity >= marginal_validity;
    if (!is_good && !(rules.ignores_errors && first.is_verified))
      return fail(GpgFault{Code::gpgme_bad_signature, first.status_text});
  }
  const ByteView plaintext = decrypted.plaintext.view();
  if (plaintext.size() < limit::least_text || plaintext.size() >= limit::text_below)
    return fail(GpgFault{Code::encrypt_decrypted_msglen_validfail});
  auto decoded = decode(plaintext);
  if (!decoded) return fail(GpgFault{decoded.error()});
  return std::move(*decoded);
}

Result<GpgOpened, GpgFault> open_gpg(crypto::Gpg& gpg, const IncomingPacket& packet, const PacketKeys& keys,
                                     const SignatureRules& rules) {
  const auto head = find_gpg_head(packet, keys);
  if (!head) return fail(GpgFault{head.error()});
  const auto message = decode_gpg_text(packet, keys, *head);
  if (!message) return fail(GpgFault{message.error()});
  auto decrypted = gpg.decrypt(*message);
  if (!decrypted) return fail(fault_of(decrypted.error()));
  auto decoded = accept_gpg_plaintext(*decrypted, rules);
  if (!decoded) return fail(decoded.error());
  const std::string_view wire = packet.wire();
  return GpgOpened{{std::move(*decoded), std::string(wire.substr(wire.size() - keys.hmac_characters()))},
                   std::move(decrypted->signatures)};
}

Result<Sealed, GpgFault> seal_gpg(crypto::Gpg& gpg, const Message& message, ByteView hmac_key,
                                  const SealSettings& settings) {
  if (settings.digest_type == DigestType::none) return fail(GpgFault{Code::encode_digest_validfail});
  auto encoded = encode(message);
  if (!encoded) return fail(GpgFault{encoded.error()});
  Sealed sealed{.encoded = std::move(*encoded)};
  sealed.digest = internal_digest(settings.digest_type, sealed.encoded);
  const auto plaintext = crypto::SecretBytes::copy_of(sealed.encoded + ':' + sealed.digest);
  const auto encrypted = gpg.encrypt(plaintext.view());
  if (!encrypted) return fail(fault_of(encrypted.error()));
  const std::string ciphertext = crypto::encode_base64(*encrypted);
  if (ciphertext.size() < limit::least_text || ciphertext.size() >= limit::text_below)
    return fail(GpgFault{Code::encrypt_gpg_result_msglen_validfail});
  auto hmac = make_hmac(settings.hmac_type, hmac_key, ciphertext);
  if (!hmac) return fail(GpgFault{hmac.error()});
  sealed.hmac = std::move(*hmac);
  sealed.wire = ciphertext.substr(gpg_prefix.size()) + sealed.hmac;
  if (ciphertext.size() + sealed.hmac.size() >= limit::text_below) return fail(GpgFault{Code::missing_encoded_data});
  return sealed;
}

}  // namespace latchkey::spa
