// SPDX-License-Identifier: GPL-2.0-or-later
// The SPA packet of a run: sealed, shown, read back by -T, written to -B (spec/fwknop-client.md 10.3, 12).
#include "fwknop/packet.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/fd.h"
#include "common/spa/open.h"
#include "fwknop/gpg_packet.h"
#include "fwknop/message.h"

namespace latchkey::fwknop {
namespace {

constexpr std::size_t base64_characters(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

DigestType hmac_type(const Settings& settings) {
  return settings.use_hmac ? settings.hmac_digest_type.value_or(DigestType::sha256) : DigestType::none;
}

/// The receiver's length guess, which looks at the text without HMAC; with one, the prefix is back in front of it.
bool is_taken_for_gpg(const spa::Sealed& sealed) {
  const std::size_t prefix = sealed.hmac.empty() ? 0 : spa::rijndael_prefix.size();
  return sealed.wire.size() - sealed.hmac.size() + prefix >= spa::limit::gpg_text;
}

void warn_about_length(const Settings& settings, const Packet& packet, Console& console) {
  const std::size_t plain = packet.sealed.encoded.size() + 1 + packet.sealed.digest.size();
  const bool is_long_plaintext = !settings.use_gpg && plain > spa::longest_portable_plaintext(hmac_type(settings));
  const bool is_long_message =
      base64_characters(packet.message.text().size()) > spa::limit::message_text_every_receiver_takes;
  if (is_long_plaintext || is_long_message)
    console.error("Warning: not every server accepts an SPA packet with a message as long as this one.");
}

spa::DumpContext dump_context(const Settings& settings, const Packet& packet) {
  spa::DumpContext context{.digest_type = settings.digest_type,
                           .hmac_type = hmac_type(settings),
                           .encryption_mode = settings.encryption_mode,
                           .encoded = packet.sealed.encoded,
                           .digest = packet.sealed.digest,
                           .hmac = packet.sealed.hmac,
                           .wire = packet.sealed.wire};
  if (settings.use_gpg) describe_gpg(settings, context);
  return context;
}

}  // namespace

Result<Packet> seal_packet(const Settings& settings, spa::Message message, const Keys& keys, crypto::Gpg* gpg, Rng& rng,
                           Console& console) {
  const spa::SealSettings how{
      .mode = settings.encryption_mode, .digest_type = settings.digest_type, .hmac_type = hmac_type(settings)};
  auto sealed = settings.use_gpg ? seal_with_gpg(settings, *gpg, message, keys, how) : [&]() -> Result<spa::Sealed> {
    auto result = spa::seal(message, keys.cipher.view(), keys.hmac.view(), how, rng);
    if (!result) return fail(Error{library_error("fko_spa_data_final", result.error())});
    return std::move(*result);
  }();
  if (!sealed) return fail(sealed.error());
  if (!settings.use_gpg && is_taken_for_gpg(*sealed))
    return fail(Error{library_error("fko_decrypt_spa_data", spa::Code::encrypt_type_unknown)});
  Packet packet{std::move(message), std::move(*sealed)};
  warn_about_length(settings, packet, console);
  return packet;
}

std::string format_packet(const Settings& settings, const Packet& packet) {
  spa::DumpContext context = dump_context(settings, packet);
  context.unsent_timeout_s = settings.fw_timeout_s;
  return spa::format_fields(packet.message, context) + "\n";
}

Result<std::string> decode_own_packet(const Settings& settings, const Packet& packet, const Keys& keys,
                                      crypto::Gpg* gpg) {
  const EncryptionMode mode = settings.use_gpg ? EncryptionMode::asymmetric : settings.encryption_mode;
  spa::PacketKeys receiver({mode, hmac_type(settings)}, keys.cipher.clone(), keys.hmac.view());
  spa::DumpContext context = dump_context(settings, packet);
  context.wire.resize(context.wire.size() - context.hmac.size());
  if (settings.use_gpg) return decode_with_gpg(settings, *gpg, packet.sealed.wire, receiver, context);
  const auto opened = spa::open_rijndael(spa::IncomingPacket(packet.sealed.wire), receiver);
  if (!opened) return fail(Error{library_error("fko_decrypt_spa_data", opened.error())});
  context.digest_type = opened->decoded.digest_type;
  context.encoded = opened->decoded.encoded;
  context.digest = opened->decoded.digest;
  context.hmac = opened->hmac;
  return spa::format_fields(opened->decoded.message, context) + "\n";
}

void write_packet_file(const Settings& settings, const Packet& packet, Console& console) {
  if (settings.save_packet_file.empty()) return;
  if (!settings.save_packet_append) ::unlink(settings.save_packet_file.c_str());
  const Fd file(::open(settings.save_packet_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file) {
    console.error("write_spa_packet_data: {}", std::strerror(errno));
    return;
  }
  if (const auto result = write_all(file.get(), packet.sealed.wire + "\n"); !result)
    console.error("write_spa_packet_data: {}", result.error().text);
}

}  // namespace latchkey::fwknop
