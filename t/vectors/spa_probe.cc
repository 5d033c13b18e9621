// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the SPA functions on request for the vector scripts: one tab-separated request a line, one answer a line.
#include <fmt/format.h>

#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "common/crypto/aes256.h"
#include "common/crypto/base64.h"
#include "common/spa/gpg_packet.h"
#include "common/spa/open.h"
#include "common/spa/payload.h"
#include "common/spa/validate.h"

namespace {

using namespace latchkey;
using Arguments = std::vector<std::string_view>;

Bytes hex(std::string_view text) {
  auto bytes = parse_hex(text);
  if (!bytes) throw std::runtime_error("not hexadecimal");
  return std::move(*bytes);
}

int number(std::string_view text) { return parse_number<int>(text).value(); }

std::string hex_of(std::string_view text) { return format_hex(as_bytes(text)); }

std::string describe(const spa::Decoded& decoded) {
  const spa::Message& m = decoded.message;
  const spa::NatText* nat = m.nat();
  const auto again = spa::encode(m);
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", hex_of(m.random_value), hex_of(m.username),
                     m.timestamp_s, hex_of(m.version), static_cast<int>(m.type()), hex_of(m.text()),
                     nat ? hex_of(nat->text) : "-", hex_of(m.server_auth), m.timeout_s().value_or(0),
                     crypto::digest_name(decoded.digest_type), hex_of(decoded.encoded + ':' + decoded.digest),
                     again && *again == decoded.encoded ? "same" : "differs");
}

// open MODE KEY HMAC_TYPE HMAC_KEY WIRE -> CODE NAME TEXT [fields]
std::string run_open(const Arguments& a) {
  const spa::PacketKeys keys{{.mode = static_cast<spa::EncryptionMode>(number(a.at(0))),
                              .hmac_type = static_cast<spa::DigestType>(number(a.at(2)))},
                             crypto::SecretBytes::copy_of(hex(a.at(1))),
                             hex(a.at(3))};
  const Bytes wire = hex(a.at(4));
  const auto opened = spa::open_rijndael(spa::IncomingPacket{as_text(wire)}, keys);
  const spa::Code code = opened ? spa::Code::success : opened.error();
  std::string line = fmt::format("{}\t{}\t{}", static_cast<int>(code), spa::error_name(code), spa::error_text(code));
  if (opened) line += '\t' + describe(opened->decoded);
  return line;
}

std::string describe(const spa::GpgOpened& opened) {
  std::string line = describe(opened.opened.decoded);
  if (opened.signatures.empty()) return line + "\t\t\t";
  const crypto::GpgSignature& first = opened.signatures.front();
  return line + fmt::format("\t{}\t{}\t{}", first.fingerprint, first.summary, first.status);
}

// gpg HOME HMAC_TYPE HMAC_KEY REQUIRED IGNORES WIRE -> CODE NAME TEXT GPG_TEXT [fields FINGERPRINT SUMMARY STATUS]
std::string run_gpg(const Arguments& a) {
  auto gpg = crypto::Gpg::open({.exe = {}, .home_dir = std::string(a.at(0)), .may_ask = false});
  if (!gpg) throw std::runtime_error("GPGME: " + gpg.error().text);
  const spa::PacketKeys keys{
      {.mode = spa::EncryptionMode::asymmetric, .hmac_type = static_cast<spa::DigestType>(number(a.at(1)))},
      {},
      hex(a.at(2))};
  const Bytes wire = hex(a.at(5));
  const auto opened = spa::open_gpg(*gpg, spa::IncomingPacket{as_text(wire)}, keys,
                                    {.is_required = a.at(3) == "1", .ignores_errors = a.at(4) == "1"});
  const spa::GpgFault fault = opened ? spa::GpgFault{spa::Code::success} : opened.error();
  std::string line = fmt::format("{}\t{}\t{}\t{}", static_cast<int>(fault.code), spa::error_name(fault.code),
                                 spa::error_text(fault.code), fault.text);
  if (opened) line += '\t' + describe(*opened);
  return line;
}

// payload HTTP ANY_AGENT BYTES -> CODE TEXT REPLAY_DIGEST GUESS WIRE
std::string run_payload(const Arguments& a) {
  const spa::HttpSettings http{.is_enabled = a.at(0) == "1", .allows_any_user_agent = a.at(1) == "1"};
  const auto payload = spa::check_payload(hex(a.at(2)), http);
  if (!payload) return fmt::format("{}\t{}", static_cast<int>(payload.error()), spa::error_text(payload.error()));
  return fmt::format("0\t{}\t{}\t{}\t{}", spa::error_text(spa::ServerCode::success), spa::replay_digest(payload->text),
                     static_cast<int>(spa::guess_encryption(payload->text.size())), hex_of(payload->text));
}

// digest WIRE -> REPLAY_DIGEST
std::string run_digest(const Arguments& a) { return spa::replay_digest(as_text(hex(a.at(0)))); }

template <class T>
spa::Code code_of(const Result<T, spa::Code>& result) {
  return result ? spa::Code::success : result.error();
}

spa::Code validate(std::string_view kind, std::string_view text) {
  using spa::Side;
  if (kind == "access") return code_of(spa::parse_access(text, Side::sender));
  if (kind == "command") return code_of(spa::parse_command(text, Side::sender));
  if (kind == "nat") return code_of(spa::parse_nat(text, Side::sender));
  if (kind == "user") return code_of(spa::check_username(text));
  if (kind == "server_auth") return code_of(spa::check_server_auth(text));
  if (kind == "rand") return code_of(spa::check_random_value(text));
  throw std::runtime_error("unknown kind of field");
}

// validate KIND TEXT -> CODE NAME
std::string run_validate(const Arguments& a) {
  const Bytes text = hex(a.at(1));
  const spa::Code code = validate(a.at(0), as_text(text));
  return fmt::format("{}\t{}", static_cast<int>(code), spa::error_name(code));
}

// base64 TEXT -> LENGTH BYTES
std::string run_base64(const Arguments& a) {
  const auto bytes = crypto::decode_base64_lenient(as_text(hex(a.at(0))));
  return bytes ? fmt::format("{}\t{}", bytes->size(), format_hex(*bytes)) : "-1\t";
}

// kdf PASSPHRASE SALT LEGACY -> KEY IV
std::string run_kdf(const Arguments& a) {
  const Bytes passphrase = hex(a.at(0));
  const Bytes salt_text = hex(a.at(1));
  crypto::Salt salt;
  std::ranges::copy(salt_text, salt.begin());
  const auto key = a.at(2) == "1" ? crypto::derive_cipher_key(crypto::pad_legacy_passphrase(passphrase).view(), salt)
                                  : crypto::derive_cipher_key(passphrase, salt);
  return fmt::format("{}\t{}", format_hex(key.key()), format_hex(key.iv()));
}

}  // namespace

int main() {
  const std::map<std::string_view, std::function<std::string(const Arguments&)>> functions{
      {"open", run_open},     {"payload", run_payload}, {"digest", run_digest}, {"validate", run_validate},
      {"base64", run_base64}, {"kdf", run_kdf},         {"gpg", run_gpg}};
  if (!crypto::init()) return 1;
  for (std::string line; std::getline(std::cin, line);) {
    Arguments words = split(line, '\t');
    const auto function = functions.at(words.front());
    words.erase(words.begin());
    std::cout << function(words) << '\n';
  }
}
