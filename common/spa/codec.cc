// SPDX-License-Identifier: GPL-2.0-or-later
// Encoding and decoding of SPA plaintexts.
#include "common/spa/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "common/crypto/base64.h"
#include "common/crypto/secret.h"
#include "common/spa/validate.h"

namespace latchkey::spa {
namespace {

constexpr std::size_t least_separators = 6;
constexpr std::size_t counted_separators = 11;
// Base64 characters of the longest values that a sender may use; the peers' receivers take less (3, DEVIATE).
constexpr std::size_t most_username_characters = 84;
constexpr std::size_t most_message_characters = 340;
constexpr std::size_t most_nat_characters = 172;
constexpr std::size_t most_server_auth_characters = 84;
constexpr std::size_t most_rest_characters = 256;

std::string base64_of(std::string_view text) { return crypto::encode_base64(as_bytes(text)); }

// Strict (4, DEVIATE): one text a value, and no NUL, at which the peers silently end the value.
std::optional<std::string> text_of_base64(std::string_view text) {
  const auto bytes = crypto::decode_base64_strict(text);
  if (!bytes || std::ranges::find(*bytes, std::byte{0}) != bytes->end()) return std::nullopt;
  return std::string(as_text(*bytes));
}

bool is_all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

// Takes the text up to the next ':' and the ':' itself.
std::string_view take_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(':'), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

// The fields of a plaintext and its digest, not yet looked at.
struct Split {
  std::string_view encoded;
  std::string_view digest;
  bool has_hidden_tail;  // bytes behind a NUL
};

Result<Split, Code> split_plaintext(ByteView plaintext) {
  if (plaintext.size() < limit::least_text || plaintext.size() >= limit::text_below)
    return fail(Code::decode_msglen_validfail);
  const std::string_view all = as_text(plaintext);
  const std::string_view text = all.substr(0, all.find('\0'));
  if (!std::ranges::all_of(text, is_printable)) return fail(Code::decode_non_ascii);
  std::size_t separators = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < text.size() && separators < counted_separators; ++i)
    if (text[i] == ':') ++separators, last = i;
  if (separators < least_separators) return fail(Code::decode_lt_min_fields);
  return Split{text.substr(0, last), text.substr(last + 1), text.size() != all.size()};
}

bool matches(DigestType type, const Split& parts) {
  return crypto::equal_in_constant_time(as_bytes(internal_digest(type, parts.encoded)), as_bytes(parts.digest));
}

Result<DigestType, Code> find_digest_type(const Split& parts) {
  using enum crypto::DigestType;
  constexpr auto candidates = std::to_array({md5, sha1, sha256, sha3_256, sha384, sha512, sha3_512});
  bool is_a_digest_size = false;
  for (const DigestType type : candidates) {
    if (crypto::digest_text_size(type) != parts.digest.size()) continue;
    is_a_digest_size = true;
    if (!parts.has_hidden_tail && matches(type, parts)) return type;
  }
  return fail(is_a_digest_size ? Code::digest_verification_failed : Code::invalid_digest_type);
}

Result<std::string, Code> decode_username(std::string_view field) {
  if (field.empty()) return fail(Code::decode_username_missing);
  if (field.size() > most_username_characters) return fail(Code::decode_username_toobig);
  auto name = text_of_base64(field);
  if (!name) return fail(Code::decode_username_decodefail);
  if (!check_username(*name)) return fail(Code::decode_username_validfail);
  return std::move(*name);
}

Result<std::uint32_t, Code> decode_timestamp(std::string_view field) {
  if (field.empty()) return fail(Code::decode_timestamp_missing);
  if (field.size() > limit::timestamp_digits) return fail(Code::decode_timestamp_toobig);
  // Unsigned 32 bits: good until 2106, and the peers' client writes no more (vectors n104, q011).
  const auto value = parse_number<std::uint32_t>(field);
  if (!value) return fail(Code::decode_timestamp_decodefail);
  return *value;
}

Result<std::string, Code> decode_version(std::string_view field) {
  if (field.empty()) return fail(Code::decode_version_missing);
  if (field.size() > limit::version) return fail(Code::decode_version_toobig);
  return std::string(field);
}

// The type and, by the number of fields that follow, whether they fit it. `rest` begins behind the type's ':'.
Result<MessageType, Code> decode_type(std::string_view field, std::string_view rest) {
  constexpr auto most_fields_behind = std::to_array<std::ptrdiff_t>({2, 2, 3, 3, 4, 3, 4});
  if (field.empty()) return fail(Code::decode_msgtype_missing);
  if (field.size() > 2) return fail(Code::decode_msgtype_toobig);
  const auto number = parse_number<unsigned>(field, 0, most_fields_behind.size() - 1);
  if (!number) return fail(Code::decode_msgtype_decodefail);
  if (std::ranges::count(rest, ':') + 1 > most_fields_behind[*number]) return fail(Code::decode_wrong_num_fields);
  return static_cast<MessageType>(*number);
}

Result<std::string, Code> decode_message_text(std::string_view field) {
  if (field.empty()) return fail(Code::decode_message_missing);
  if (field.size() > most_message_characters) return fail(Code::decode_message_toobig);
  auto text = text_of_base64(field);
  if (!text) return fail(Code::decode_message_decodefail);
  return std::move(*text);
}

Result<NatText, Code> decode_nat(std::string_view field) {
  if (field.empty()) return fail(Code::decode_nataccess_missing);
  if (field.size() > most_nat_characters) return fail(Code::decode_nataccess_toobig);
  const auto text = text_of_base64(field);
  if (!text) return fail(Code::decode_nataccess_decodefail);
  auto nat = parse_nat(*text, Side::receiver);
  if (!nat) return fail(Code::decode_nataccess_validfail);
  return nat;
}

Result<std::uint32_t, Code> decode_timeout(std::string_view field) {
  if (field.empty()) return fail(Code::decode_timeout_missing);
  if (!is_all_digits(field)) return fail(Code::decode_timeout_validfail);
  const auto value = parse_number<std::uint32_t>(field, 0, limit::client_timeout_s);
  if (!value) return fail(Code::decode_timeout_decodefail);
  return *value;
}

Result<std::string, Code> decode_server_auth(std::string_view field, Code undecodable) {
  if (field.size() > most_server_auth_characters) return fail(Code::decode_srvauth_missing);
  auto text = text_of_base64(field);
  if (!text) return fail(undecodable);
  return std::move(*text);
}

bool has_nat(MessageType type) {
  using enum MessageType;
  return type == nat_access || type == timeout_nat_access || type == local_nat_access ||
         type == timeout_local_nat_access;
}

bool has_timeout(MessageType type) {
  using enum MessageType;
  return type == timeout_access || type == timeout_nat_access || type == timeout_local_nat_access;
}

bool is_local(MessageType type) {
  return type == MessageType::local_nat_access || type == MessageType::timeout_local_nat_access;
}

// The optional fields behind the message and the NAT field.
struct Tail {
  std::string server_auth;
  std::optional<std::uint32_t> timeout_s = {};
};

Result<Tail, Code> decode_tail(MessageType type, std::string_view rest) {
  if (rest.size() > most_rest_characters) return fail(Code::decode_srvauth_missing);
  Tail tail;
  std::string_view auth;
  if (!has_timeout(type))
    auth = rest;
  else if (rest.find(':') != std::string_view::npos)
    auth = take_field(rest);
  auto text =
      decode_server_auth(auth, has_timeout(type) ? Code::decode_extra_decodefail : Code::decode_srvauth_decodefail);
  if (!text) return fail(text.error());
  tail.server_auth = std::move(*text);
  if (!has_timeout(type)) return tail;
  const auto timeout = decode_timeout(rest);
  if (!timeout) return fail(timeout.error());
  tail.timeout_s = *timeout;
  return tail;
}

Result<void, Code> decode_command(Message& message, const std::string& text, std::string_view rest) {
  auto request = parse_command(text, Side::receiver);
  if (!request) return fail(Code::decode_message_validfail);
  auto tail = decode_tail(MessageType::command, rest);
  if (!tail) return fail(tail.error());
  message.server_auth = std::move(tail->server_auth);
  message.body = Command{std::move(*request)};
  return {};
}

Result<void, Code> decode_access(Message& message, MessageType type, const std::string& text, std::string_view rest) {
  auto request = parse_access(text, Side::receiver);
  if (!request) return fail(Code::decode_access_validfail);
  NatText nat;
  if (has_nat(type)) {
    auto decoded = decode_nat(take_field(rest));
    if (!decoded) return fail(decoded.error());
    nat = std::move(*decoded);
  }
  auto tail = decode_tail(type, rest);
  if (!tail) return fail(tail.error());
  message.server_auth = std::move(tail->server_auth);
  if (!has_nat(type))
    message.body = Access{std::move(*request), tail->timeout_s};
  else if (is_local(type))
    message.body = LocalNatAccess{std::move(*request), std::move(nat), tail->timeout_s};
  else
    message.body = NatAccess{std::move(*request), std::move(nat), tail->timeout_s};
  return {};
}

// Steps 7 to 11, then the fields that depend on the type.
Result<Message, Code> decode_fields(std::string_view rest) {
  Message message;
  message.random_value = take_field(rest);
  if (message.random_value.size() != limit::random_value || !is_all_digits(message.random_value))
    return fail(Code::decode_rand_missing);
  auto username = decode_username(take_field(rest));
  if (!username) return fail(username.error());
  message.username = std::move(*username);
  const auto timestamp = decode_timestamp(take_field(rest));
  if (!timestamp) return fail(timestamp.error());
  message.timestamp_s = *timestamp;
  auto version = decode_version(take_field(rest));
  if (!version) return fail(version.error());
  message.version = std::move(*version);
  const std::string_view type_field = take_field(rest);
  const auto type = decode_type(type_field, rest);
  if (!type) return fail(type.error());
  const auto text = decode_message_text(take_field(rest));
  if (!text) return fail(text.error());
  const auto body =
      *type == MessageType::command ? decode_command(message, *text, rest) : decode_access(message, *type, *text, rest);
  if (!body) return fail(body.error());
  return message;
}

Result<void, Code> check_for_sending(const Message& message) {
  if (auto checked = check_random_value(message.random_value); !checked) return checked;
  if (auto checked = check_username(message.username); !checked) return checked;
  if (message.username.size() > limit::username) return fail(Code::data_too_large);
  if (!message.server_auth.empty()) return check_server_auth(message.server_auth);
  return {};
}

}  // namespace

std::string internal_digest(DigestType type, std::string_view encoded) {
  return crypto::encode_base64(crypto::digest(type, as_bytes(encoded)).view());
}

Result<std::string, Code> encode(const Message& message) {
  if (auto checked = check_for_sending(message); !checked) return fail(checked.error());
  std::string text =
      fmt::format("{}:{}:{}:{}:{}:{}", message.random_value, base64_of(message.username), message.timestamp_s,
                  message.version, static_cast<int>(message.type()), base64_of(message.text()));
  if (const NatText* nat = message.nat()) text += ':' + base64_of(nat->text);
  if (!message.server_auth.empty()) text += ':' + base64_of(message.server_auth);
  if (const auto timeout_s = message.timeout_s()) text += fmt::format(":{}", *timeout_s);
  if (text.size() < limit::least_text || text.size() >= limit::text_below) return fail(Code::encode_msglen_validfail);
  return text;
}

Result<Decoded, Code> decode(ByteView plaintext) {
  const auto parts = split_plaintext(plaintext);
  if (!parts) return fail(parts.error());
  const auto digest_type = find_digest_type(*parts);
  if (!digest_type) return fail(digest_type.error());
  auto message = decode_fields(parts->encoded);
  if (!message) return fail(message.error());
  return Decoded{.message = std::move(*message),
                 .digest_type = *digest_type,
                 .encoded = std::string(parts->encoded),
                 .digest = std::string(parts->digest)};
}

}  // namespace latchkey::spa
