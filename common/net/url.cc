// SPDX-License-Identifier: GPL-2.0-or-later
// URLs of address resolution, and the reply that comes back (spec/fwknop-client.md 9.2, 9.3).
#include <algorithm>

#include "common/base/text.h"
#include "common/net/http.h"

namespace latchkey::net {
namespace {

constexpr std::size_t max_host_length = 255;
constexpr std::size_t max_path_length = 1024;

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!starts_with_ignoring_case(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<Url, UrlFault> parse_url(std::string_view text) {
  Url url;
  url.is_https = take_prefix(text, "https://");
  if (!url.is_https) take_prefix(text, "http://");
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string_view host = text.substr(0, slash);
  const std::string_view path = text.substr(slash);
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    const auto port = parse_number<std::uint16_t>(host.substr(colon + 1), 1);
    if (!port) return fail(UrlFault::bad_port);
    url.port = *port;
    url.has_port = true;
    host = host.substr(0, colon);
  }
  if (host.empty()) return fail(UrlFault::empty);
  if (host.size() > max_host_length) return fail(UrlFault::long_host);
  if (path.size() > max_path_length) return fail(UrlFault::long_path);
  url.host = host;
  url.path = path.empty() ? "/" : std::string(path);
  return url;
}

Result<ParsedReply> parse_http_reply(std::string_view reply) {
  constexpr std::string_view end_of_header = "\r\n\r\n";
  const std::size_t end = reply.find(end_of_header);
  if (end == std::string_view::npos) return fail(Error{"Did not find the end of HTTP header."});
  const std::string_view status_line = reply.substr(0, reply.find("\r\n"));
  const auto words = split(status_line, ' ');
  const bool is_http = words.size() >= 2 && words[0].starts_with("HTTP/1.");
  const auto status = is_http ? parse_number<int>(words[1], 100, 999) : std::nullopt;
  if (!status) return fail(Error{"The reply has no HTTP status line."});
  return ParsedReply{*status, reply.substr(end + end_of_header.size())};
}

}  // namespace latchkey::net
