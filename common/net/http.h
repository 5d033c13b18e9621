// SPDX-License-Identifier: GPL-2.0-or-later
// HTTP for address resolution: HTTPS through libcurl (loaded when used), plain HTTP by hand, URLs.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/resolver.h"

namespace latchkey::net {

struct HttpRequest {
  std::string url;         ///< http:// or https://
  std::string user_agent;  ///< empty: none is sent
  std::chrono::milliseconds timeout{10000};
  std::size_t max_body_bytes = 65536;
  Family family = Family::any;
};
struct HttpReply {
  long status = 0;
  std::string body;
};

/// GET through libcurl: certificates and host name are verified, at most 5 redirects (never from https to http), the
/// environment's proxies as curl takes them. Error: one sentence (libcurl's, or that it cannot be loaded).
Result<HttpReply> http_get(const HttpRequest& request);

/// One request over plain TCP (spec/fwknop-client.md 9.2): sends `request` as it is and reads to the end of file.
struct ExchangeError {
  enum class Stage { resolve, connect, write, read, too_long };
  Stage stage = Stage::connect;
  std::string text;  ///< gai_strerror or strerror
};
struct ExchangeOptions {
  std::chrono::milliseconds timeout{10000};  ///< for all of it
  std::size_t max_reply_bytes = 65536;
  Family family = Family::any;
};
Result<std::string, ExchangeError> exchange_tcp(const std::string& host, std::uint16_t port, std::string_view request,
                                                const ExchangeOptions& options = {});

/// A raw HTTP/1.x reply, split. Error: no end of header, or no status line.
struct ParsedReply {
  int status = 0;
  std::string_view body;  ///< a view into the reply
};
Result<ParsedReply> parse_http_reply(std::string_view reply);

struct Url {
  bool is_https = false;
  std::string host;
  std::uint16_t port = 80;
  bool has_port = false;
  std::string path;  ///< begins with '/'
};
enum class UrlFault { empty, bad_port, long_host, long_path };
/// spec/fwknop-client.md 9.3: the scheme may be absent, one trailing '/' is removed, the port is looked for before the
/// first '/' only; host at most 255, path at most 1024 characters.
Result<Url, UrlFault> parse_url(std::string_view text);

}  // namespace latchkey::net
