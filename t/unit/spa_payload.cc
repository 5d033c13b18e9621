// SPDX-License-Identifier: GPL-2.0-or-later
// Outer checks, HTTP form, replay digest.
#include "common/spa/payload.h"

#include <gtest/gtest.h>

#include "fwknop/transport.h"

namespace latchkey::spa {
namespace {

int code_of(const std::string& payload, const HttpSettings& http = {}) {
  const auto checked = check_payload(as_bytes(payload), http);
  return checked ? 0 : static_cast<int>(checked.error());
}

constexpr HttpSettings http{.is_enabled = true, .allows_any_user_agent = false, .reads_x_forwarded_for = true};
const std::string headers = " HTTP/1.1\r\nUser-Agent: Fwknop/2.6.11\r\nHost: x\r\n\r\n";

TEST(Payload, length_is_140_to_1500) {
  EXPECT_EQ(code_of(std::string(139, 'A')), 4096);
  EXPECT_EQ(code_of(std::string(140, 'A')), 0);
  EXPECT_EQ(code_of(std::string(1500, 'A')), 0);
  EXPECT_EQ(code_of(std::string(1501, 'A')), 4096);
}

TEST(Payload, own_prefixes_are_banned) {
  EXPECT_EQ(code_of("U2FsdGVkX1" + std::string(200, 'A')), 4096);
  EXPECT_EQ(code_of("hQ" + std::string(398, 'A')), 0);  // 400 characters still pass
  EXPECT_EQ(code_of("hQ" + std::string(399, 'A')), 4096);
}

TEST(Payload, other_characters_are_no_spa_data) {
  for (const char c : {'\n', '\0', ' ', '-', '_', '%', '\x80'})
    EXPECT_EQ(code_of(std::string(200, 'A') + c), 4098) << static_cast<int>(c);
  EXPECT_EQ(code_of(std::string(200, 'A') + '='), 0);
}

TEST(Http, token_is_translated_back) {
  const auto payload = check_payload(as_bytes("get /-_" + std::string(140, 'A') + headers), http);
  ASSERT_TRUE(payload);
  EXPECT_EQ(payload->text, "+/" + std::string(140, 'A'));
  EXPECT_FALSE(payload->forwarded_for);
}

TEST(Http, is_refused_with_the_peers_numbers) {
  const std::string request = "GET /" + std::string(140, 'A') + headers;
  EXPECT_EQ(code_of(request), 4098);  // the option is off
  EXPECT_EQ(code_of(request, http), 0);
  EXPECT_EQ(code_of("GET /" + std::string(139, 'A') + headers, http), 4096);
  EXPECT_EQ(code_of("GET /U2FsdGVkX1" + std::string(140, 'A') + headers, http), 4096);
  EXPECT_EQ(code_of("GET /" + std::string(140, 'A') + "?" + headers, http), 4098);
  EXPECT_EQ(code_of("POST /" + std::string(140, 'A') + headers, http), 4098);
  const std::string foreign = "GET /" + std::string(140, 'A') + " HTTP/1.1\r\nUser-Agent: fwknop\r\n\r\n";
  EXPECT_EQ(code_of(foreign, http), 4096);
  EXPECT_EQ(code_of(foreign, {.is_enabled = true, .allows_any_user_agent = true}), 0);
}

TEST(Http, forwarded_for_ends_at_a_blank_or_with_the_request) {
  const auto forwarded = [](const std::string& header) {
    const std::string request = "GET /" + std::string(140, 'A') + " HTTP/1.1\r\nUser-Agent: Fwknop\r\n" + header;
    return check_payload(as_bytes(request), http).value().forwarded_for.value_or("none");
  };
  EXPECT_EQ(forwarded("X-Forwarded-For: 11.2.3.4\r\n\r\n"), "11.2.3.4");
  EXPECT_EQ(forwarded("x-forwarded-FOR: 11.2.3.4"), "11.2.3.4");
  EXPECT_EQ(forwarded("X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n"), "1.2.3.4,");
  EXPECT_EQ(forwarded("X-Forwarded-For:11.2.3.4\r\n"), "none");
}

TEST(Http, a_request_of_the_client_is_taken) {
  const std::string wire = "8+/A" + std::string(140, 'b');
  fwknop::Settings client;
  client.server = "spa.example";
  client.user_agent = "Fwknop/2.6.11";
  EXPECT_EQ(check_payload(as_bytes(fwknop::http_request(client, wire, "")), http).value().text, wire);
}

TEST(ReplayDigest, is_sha256_of_the_wire_text) {
  EXPECT_EQ(replay_digest("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
}

}  // namespace
}  // namespace latchkey::spa
