// SPDX-License-Identifier: GPL-2.0-or-later
// Generating and reading keys.
#include "common/spa/keys.h"

#include <array>
#include <utility>

#include "common/crypto/base64.h"

namespace latchkey::spa {
namespace {

Result<crypto::SecretBytes, Code> make_key(std::size_t size, Rng& rng) {
  crypto::SecretBytes key{size};
  if (!rng.fill(key.span())) return fail(Code::filesystem_operation);
  crypto::SecretBytes text{(size + 2) / 3 * 4};
  const auto characters = text.span();
  std::ranges::fill(characters, std::byte{'='});
  crypto::encode_base64_into(key.view(), {reinterpret_cast<char*>(characters.data()), characters.size()});
  return text;
}

}  // namespace

std::size_t default_hmac_key_bytes(DigestType type) {
  // Indexed by the number of DigestType; the SHA-3 rows are ours (12.2, DEVIATE): block size, at most the client's
  // limit.
  constexpr auto sizes = std::to_array<std::size_t>({64, 16, 20, 64, 128, 128, 128, 72});
  return sizes.at(static_cast<std::size_t>(type));
}

Result<GeneratedKeys, Code> generate_keys(const KeyGenSettings& settings, Rng& rng) {
  const std::size_t key_bytes = settings.key_bytes.value_or(limit::cipher_key);
  const std::size_t hmac_key_bytes = settings.hmac_key_bytes.value_or(default_hmac_key_bytes(settings.hmac_type));
  if (key_bytes < 1 || key_bytes > limit::cipher_key) return fail(Code::funcs_gen_keylen_validfail);
  if (hmac_key_bytes < 1 || hmac_key_bytes > limit::hmac_key) return fail(Code::funcs_gen_hmaclen_validfail);
  auto key = make_key(key_bytes, rng);
  if (!key) return fail(key.error());
  auto hmac_key = make_key(hmac_key_bytes, rng);
  if (!hmac_key) return fail(hmac_key.error());
  return GeneratedKeys{std::move(*key), std::move(*hmac_key)};
}

crypto::SecretBytes format_keys(const GeneratedKeys& keys) {
  constexpr auto labels = std::to_array<std::string_view>({"KEY_BASE64: ", "\nHMAC_KEY_BASE64: ", "\n"});
  const auto pieces = std::to_array<std::string_view>(
      {labels[0], keys.key_base64.text(), labels[1], keys.hmac_key_base64.text(), labels[2]});
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  crypto::SecretBytes text{size};
  auto to = text.span().begin();
  for (const auto piece : pieces) to = std::ranges::copy(as_bytes(piece), to).out;
  return text;
}

Result<crypto::SecretBytes, KeyTextError> parse_base64_key(std::string_view text) {
  const std::size_t padding = text.find('=');
  if (padding != std::string_view::npos && text.find_first_not_of('=', padding) != std::string_view::npos)
    return fail(KeyTextError::not_base64);
  auto key = crypto::decode_base64_secret(text);
  if (!key) return fail(KeyTextError::not_base64);
  return std::move(*key);
}

}  // namespace latchkey::spa
