// SPDX-License-Identifier: GPL-2.0-or-later
// Encoding of GPG requests and answers: fixed order, big-endian, lengths in front of texts.
#include "fwknopd/gpg_messages.h"

#include "common/spa/types.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t most_message_bytes = spa::limit::most_payload;
constexpr std::size_t most_text_bytes = 4096;
// A longer plaintext is refused for its length; that it is longer than the limit is all that is told of it.
constexpr std::size_t most_plaintext_bytes = spa::limit::text_below;

void put_block(Writer& out, ByteView bytes, std::size_t limit) {
  const ByteView cut = bytes.first(std::min(bytes.size(), limit));
  out.put_u16(static_cast<std::uint16_t>(cut.size()));
  out.put(cut);
}

void put_text(Writer& out, std::string_view text) { put_block(out, as_bytes(text), most_text_bytes); }

std::optional<ByteView> take_block(Cursor& in, std::size_t limit) {
  const auto size = in.take_u16();
  if (!size || *size > limit) return std::nullopt;
  return in.take(*size);
}

bool take_text(Cursor& in, std::string& text) {
  const auto block = take_block(in, most_text_bytes);
  if (block) text = as_text(*block);
  return block.has_value();
}

bool take_number(Cursor& in, int& number) {
  const auto value = in.take_u32();
  if (value) number = static_cast<int>(*value);
  return value.has_value();
}

bool take_claim(Cursor& in, bool& claim) {
  const auto value = in.take_u8();
  if (value) claim = *value == 1;
  return value && *value <= 1;
}

void put_signature(Writer& out, const crypto::GpgSignature& signature) {
  put_text(out, signature.fingerprint);
  out.put_u32(static_cast<std::uint32_t>(signature.summary));
  out.put_u32(static_cast<std::uint32_t>(signature.status));
  put_text(out, signature.status_text);
  out.put_u32(static_cast<std::uint32_t>(signature.validity));
  out.put_u8(signature.is_verified ? 1 : 0);
}

bool take_signature(Cursor& in, crypto::GpgSignature& signature) {
  return take_text(in, signature.fingerprint) && take_number(in, signature.summary) &&
         take_number(in, signature.status) && take_text(in, signature.status_text) &&
         take_number(in, signature.validity) && take_claim(in, signature.is_verified);
}

bool take_signatures(Cursor& in, std::vector<crypto::GpgSignature>& signatures) {
  bool is_there = false;
  if (!take_claim(in, is_there)) return false;
  return !is_there || take_signature(in, signatures.emplace_back());
}

bool take_stage(Cursor& in, GpgAnswer& answer) {
  const auto stage = in.take_u8();
  const auto code = in.take_u16();
  if (!code || *stage > static_cast<unsigned>(GpgAnswer::Stage::failed)) return false;
  answer.stage = static_cast<GpgAnswer::Stage>(*stage);
  answer.code = static_cast<spa::Code>(*code);
  return *code <= static_cast<unsigned>(spa::Code::gpgme_signature_verify_disabled);
}

}  // namespace

Bytes encode(const GpgRequest& request) {
  Writer out;
  out.put_u64(request.id);
  out.put_u32(request.stanza);
  put_block(out, request.message, most_message_bytes);
  return out.release();
}

std::optional<GpgRequest> decode_gpg_request(ByteView payload) {
  Cursor in(payload);
  const auto id = in.take_u64();
  const auto stanza = in.take_u32();
  const auto message = take_block(in, most_message_bytes);
  if (!id || !stanza || !message || !in.is_empty()) return std::nullopt;
  return GpgRequest{*id, *stanza, Bytes(message->begin(), message->end())};
}

Bytes encode(const GpgAnswer& answer) {
  Writer out;
  out.put_u64(answer.id);
  out.put_u8(static_cast<std::uint8_t>(answer.stage));
  out.put_u16(static_cast<std::uint16_t>(answer.code));
  put_text(out, answer.text);
  put_block(out, answer.decrypted.plaintext.view(), most_plaintext_bytes);
  const auto& signatures = answer.decrypted.signatures;
  out.put_u8(signatures.empty() ? 0 : 1);
  if (!signatures.empty()) put_signature(out, signatures.front());
  put_text(out, answer.primary_fingerprint);
  out.put_u8(answer.is_for_decrypt_id ? 1 : 0);
  return out.release();
}

std::optional<GpgAnswer> decode_gpg_answer(ByteView payload) {
  Cursor in(payload);
  GpgAnswer answer;
  const auto id = in.take_u64();
  if (!id || !take_stage(in, answer) || !take_text(in, answer.text)) return std::nullopt;
  answer.id = *id;
  const auto plaintext = take_block(in, most_plaintext_bytes);
  if (!plaintext || !take_signatures(in, answer.decrypted.signatures)) return std::nullopt;
  answer.decrypted.plaintext = crypto::SecretBytes::copy_of(*plaintext);
  if (!take_text(in, answer.primary_fingerprint) || !take_claim(in, answer.is_for_decrypt_id) || !in.is_empty())
    return std::nullopt;
  return answer;
}

}  // namespace latchkey::fwknopd
