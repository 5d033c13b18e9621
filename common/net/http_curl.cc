// SPDX-License-Identifier: GPL-2.0-or-later
// libcurl, loaded when it is used: linked in, it would cost every run of a client more than all of its own work.
#include <curl/curl.h>
#include <dlfcn.h>

#include <memory>

#include "common/base/handle.h"
#include "common/base/text.h"
#include "common/net/http.h"

namespace latchkey::net {
namespace {

constexpr const char* soname = "libcurl-gnutls.so.4";

/// The functions used, by the types of the header.
struct CurlLibrary {
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_setopt) set_option = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_getinfo) get_info = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) error_text = nullptr;
};

template <class F>
bool load(void* library, const char* name, F& function) {
  void* address = dlsym(library, name);
  // POSIX guarantees the conversion for dlsym; the language has only this cast for it.
  function = reinterpret_cast<F>(address);
  return address != nullptr;
}

Result<CurlLibrary> load_curl() {
  // Never unloaded: its TLS library does not survive that.
  void* library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(Error{std::string("cannot load libcurl: ") + dlerror()});
  CurlLibrary curl;
  const bool is_complete =
      load(library, "curl_easy_init", curl.init) && load(library, "curl_easy_setopt", curl.set_option) &&
      load(library, "curl_easy_perform", curl.perform) && load(library, "curl_easy_getinfo", curl.get_info) &&
      load(library, "curl_easy_cleanup", curl.cleanup) && load(library, "curl_easy_strerror", curl.error_text);
  if (!is_complete) return fail(Error{std::string(soname) + " lacks a function of libcurl"});
  return curl;
}

struct Body {
  std::string text;
  std::size_t limit = 0;
  bool is_too_long = false;
};

/// A short count makes libcurl end the transfer with an error.
std::size_t collect(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<Body*>(user);
  const std::size_t length = size * count;
  if (length > body.limit - body.text.size()) {
    body.is_too_long = true;
    return 0;
  }
  body.text.append(bytes, length);
  return length;
}

long resolve_option(Family family) {
  switch (family) {
    case Family::any:
      return CURL_IPRESOLVE_WHATEVER;
    case Family::v4:
      return CURL_IPRESOLVE_V4;
    case Family::v6:
      return CURL_IPRESOLVE_V6;
  }
  return CURL_IPRESOLVE_WHATEVER;
}

void set_options(const CurlLibrary& curl, CURL* handle, const HttpRequest& request, Body& body) {
  const auto set = [&](CURLoption option, auto value) { curl.set_option(handle, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  if (!request.user_agent.empty()) set(CURLOPT_USERAGENT, request.user_agent.c_str());
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  // A redirect from https may only lead to https.
  set(CURLOPT_REDIR_PROTOCOLS_STR, starts_with_ignoring_case(request.url, "https") ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_IPRESOLVE, resolve_option(request.family));
  set(CURLOPT_WRITEFUNCTION, &collect);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&body));
}

}  // namespace

Result<HttpReply> http_get(const HttpRequest& request) {
  const auto curl = load_curl();
  if (!curl) return fail(curl.error());
  CURL* handle = curl->init();
  if (!handle) return fail(Error{"cannot start libcurl"});
  const Defer release([&] { curl->cleanup(handle); });
  Body body{.text = {}, .limit = request.max_body_bytes};
  set_options(*curl, handle, request, body);
  const CURLcode code = curl->perform(handle);
  if (body.is_too_long) return fail(Error{"the reply is longer than " + std::to_string(body.limit) + " bytes"});
  if (code != CURLE_OK) return fail(Error{curl->error_text(code)});
  HttpReply reply{.body = std::move(body.text)};
  curl->get_info(handle, CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

}  // namespace latchkey::net
