// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes what a server of address resolution may answer, and the URLs that lead to it.
#include <cstdlib>

#include "common/base/text.h"
#include "common/net/http.h"
#include "fwknop/address_resolution.h"

using namespace latchkey;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

void check_page(std::string_view page) {
  const auto address = fwknop::address_in_page(page);
  if (!address) return;
  check(net::parse_ip_address(*address).has_value() || address->starts_with('0') ||
        address->find(".0") != std::string::npos);
  check(page.find(*address) != std::string_view::npos && address->size() <= 15);
  if (fwknop::is_only_address(page)) check(strip(page) == *address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  check_page(text);
  if (const auto reply = net::parse_http_reply(text)) {
    check(reply->status >= 100 && reply->status <= 999 && text.ends_with(reply->body));
    check_page(reply->body);
  }
  if (const auto url = net::parse_url(text)) {
    check(!url->host.empty() && url->host.size() <= 255 && url->path.starts_with('/') && url->port != 0);
    check(url->host.find('/') == std::string::npos && url->host.find(':') == std::string::npos);
  }
  return 0;
}
