// SPDX-License-Identifier: GPL-2.0-or-later
// Finding the own address, as the world sees it: -R, --resolve-http-only, -w (spec/fwknop-client.md 9).
#include "fwknop/address_resolution.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/base/text.h"
#include "common/log/escape.h"
#include "common/net/http.h"
#include "common/os/children.h"
#include "common/spa/validate.h"
#include "fwknop/proxy.h"

namespace latchkey::fwknop {
namespace {

constexpr std::string_view default_url = "https://www.cipherdyne.org/cgi-bin/myip";
constexpr std::string_view default_host = "www.cipherdyne.org";
constexpr std::string_view second_host = "www.cipherdyne.com";
constexpr std::string_view default_path = "/cgi-bin/myip";
constexpr std::chrono::seconds pause_before_second_host{2};
constexpr std::chrono::seconds time_limit{10};
constexpr std::chrono::seconds wget_time_limit{60};
constexpr std::size_t longest_address = 15;

Result<net::Url> parse_url(const std::string& text) {
  constexpr std::string_view summary = "Error parsing resolve-url";
  const auto refuse = [&](std::string_view reason) { return fail(Error{fmt::format("{}\n{}", reason, summary)}); };
  if (has_control_characters(text) || text.find(' ') != std::string::npos)
    return refuse("resolve-url must not contain blanks or control characters.");
  auto url = net::parse_url(text);
  if (url) return *url;
  switch (url.error()) {
    case net::UrlFault::bad_port:
      return refuse("[*] resolve-url port value is invalid, must be in [1-65535]");
    case net::UrlFault::long_host:
      return refuse("resolve-url hostname portion is too large.");
    case net::UrlFault::long_path:
      return refuse("resolve-url path portion is too large.");
    case net::UrlFault::empty:
      break;
  }
  return fail(Error{std::string(summary)});
}

// --- HTTPS -----------------------------------------------------------------------------------------------------------

struct Page {
  std::string text;
  bool is_doubtful = false;  ///< wget reported a failure
};

std::string join(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

Result<Page> fetch_with_wget(const std::vector<std::string>& words, Console& console) {
  console.flush();
  const auto child = os::run_captured({.argv = words, .output = os::Stream::capture}, {.run_time = wget_time_limit});
  if (!child) return fail(child.error().error);
  return Page{child->output, !child->is_success()};
}

Result<Page> fetch_with_curl(const std::string& url, const Settings& settings) {
  const bool has_scheme = starts_with_ignoring_case(url, "https://") || starts_with_ignoring_case(url, "http://");
  const auto reply = net::http_get({.url = has_scheme ? url : "https://" + url,
                                    .user_agent = settings.user_agent,
                                    .timeout = time_limit,
                                    .family = net::Family::v4});
  if (!reply) return fail(reply.error());
  if (reply->status < 200 || reply->status > 299) return fail(Error{fmt::format("HTTP status {}", reply->status)});
  return Page{reply->body};
}

Result<std::string> resolve_by_https(const Settings& settings, Console& console) {
  std::string url(settings.resolve_url.empty() ? default_url : settings.resolve_url);
  if (!starts_with_ignoring_case(url, "https"))
    console.error("[-] Warning: IP resolution URL '{}' should begin with 'https://' in -R mode.", url);
  if (const auto parsed = parse_url(url); !parsed) return fail(parsed.error());
  if (url.ends_with('/')) url.pop_back();
  const bool uses_wget = !strip(settings.wget_command).empty();
  const std::vector<std::string> words = uses_wget ? wget_words(settings, url) : std::vector<std::string>();
  const std::string means = uses_wget ? join(words) : url;
  const auto page = uses_wget ? fetch_with_wget(words, console) : fetch_with_curl(url, settings);
  const auto address = page ? address_in_page(page->text) : std::nullopt;
  if (!address) {
    std::string line = fmt::format("[-] Could not resolve IP via: '{}'", means);
    if (!uses_wget)
      line += fmt::format(" ({}; --wget-cmd names a wget to ask instead)",
                          page ? "the page does not begin with an address" : page.error().text);
    return fail(Error{line});
  }
  // The peer trusts such an answer without a word.
  if (page->is_doubtful || !is_only_address(page->text))
    console.error("[-] Warning: '{}' failed or printed more than an address; using {}.", means, *address);
  console.info("\n[+] Resolved external IP (via '{}') as: {}", means, *address);
  return *address;
}

// --- plain HTTP -----------------------------------------------------------------------------------------------------

std::string exchange_failure(const net::ExchangeError& error) {
  switch (error.stage) {
    case net::ExchangeError::Stage::resolve:
      return "error in getaddrinfo: " + error.text;
    case net::ExchangeError::Stage::connect:
      return "resolve_ip_http: Could not create socket: " + error.text;
    case net::ExchangeError::Stage::write:
      return "resolve_ip_http: write error: " + error.text;
    case net::ExchangeError::Stage::read:
    case net::ExchangeError::Stage::too_long:
      break;
  }
  return "resolve_ip_http: read error: " + error.text;
}

/// What a server sent, fit for a terminal: line ends stay.
std::string readable(std::string_view text) {
  std::string lines;
  for (const std::string_view line : split(text, '\n')) {
    if (!lines.empty()) lines += '\n';
    lines += log::escape_controls(strip_right(line));
  }
  return lines;
}

Result<std::string> ask_by_plain_http(const net::Url& url, const Settings& settings, Console& console) {
  const std::string page_name = fmt::format("http://{}{}", url.host, url.path);
  const std::string request = plain_request(url.host, url.path, settings.user_agent);
  console.debug("\nHTTP request: {}", request);
  console.flush();
  const auto reply = net::exchange_tcp(url.host, url.port, request, {.timeout = time_limit});
  if (!reply) return fail(Error{exchange_failure(reply.error())});
  console.debug("\nHTTP response: {}", readable(*reply));
  const auto parsed = net::parse_http_reply(*reply);
  if (!parsed) return fail(parsed.error());
  if (parsed->status < 200 || parsed->status > 299)
    return fail(Error{fmt::format("[-] From {}\n    HTTP status {}", page_name, parsed->status)});
  const auto address = address_in_page(parsed->body);
  if (!address) {
    const std::string_view body = strip_left(parsed->body);
    const auto digits = std::ranges::find_if_not(body, [](char c) { return is_digit(c) || c == '.'; }) - body.begin();
    return fail(Error{fmt::format("[-] From {}\n    Invalid IP ({}) in HTTP response:\n\n{}", page_name,
                                  body.substr(0, static_cast<std::size_t>(digits)), readable(*reply))});
  }
  console.info("\n[+] Resolved external IP (via {}) as: {}", page_name, *address);
  return *address;
}

Result<std::string> resolve_by_plain_http(const Settings& settings, Console& console) {
  if (!settings.resolve_url.empty()) {
    if (starts_with_ignoring_case(settings.resolve_url, "https"))
      return fail(Error{"[*] https is not supported for --resolve-http-only."});
    const auto url = parse_url(settings.resolve_url);
    if (!url) return fail(url.error());
    return ask_by_plain_http(*url, settings, console);
  }
  net::Url url{.host = std::string(default_host), .path = std::string(default_path)};
  const auto address = ask_by_plain_http(url, settings, console);
  if (address) return *address;
  console.error("{}", address.error().text);
  std::this_thread::sleep_for(pause_before_second_host);
  url.host = second_host;
  return ask_by_plain_http(url, settings, console);
}

std::string_view leading_quad(std::string_view page) {
  page = strip_left(page);
  const auto end = std::ranges::find_if_not(page, [](char c) { return is_digit(c) || c == '.'; }) - page.begin();
  return page.substr(0, static_cast<std::size_t>(end));
}

}  // namespace

std::vector<std::string> wget_words(const Settings& settings, std::string_view url) {
  std::vector<std::string> words;
  std::string_view rest = strip(settings.wget_command);
  while (!rest.empty()) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if(rest, is_blank) - rest.begin());
    words.emplace_back(rest.substr(0, end));
    rest = strip_left(rest.substr(end));
  }
  if (!settings.use_wget_user_agent) words.insert(words.end(), {"-U", settings.user_agent});
  words.insert(words.end(), {"--secure-protocol=auto", "--quiet", "-O", "-", std::string(url)});
  return words;
}

std::optional<std::string> address_in_page(std::string_view page) {
  const std::string_view quad = leading_quad(page);
  if (quad.size() > longest_address || !spa::parse_allow_ip(quad, spa::Side::receiver)) return std::nullopt;
  return std::string(quad);
}

bool is_only_address(std::string_view page) { return strip(page) == leading_quad(page); }

std::string plain_request(std::string_view host, std::string_view path, std::string_view user_agent) {
  return fmt::format("GET {} HTTP/1.1\r\nUser-Agent: {}\r\nAccept: */*\r\nHost: {}\r\nConnection: close\r\n\r\n", path,
                     user_agent, host);
}

Result<std::string> resolve_own_address(const Settings& settings, Console& console) {
  return settings.resolve_http_only ? resolve_by_plain_http(settings, console) : resolve_by_https(settings, console);
}

}  // namespace latchkey::fwknop
