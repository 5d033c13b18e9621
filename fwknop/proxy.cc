// SPDX-License-Identifier: GPL-2.0-or-later
// The proxy of --http-proxy, and what may stand in a header line (spec/fwknop-client.md 11, D22, D35).
#include "fwknop/proxy.h"

#include <algorithm>

#include "common/base/text.h"

namespace latchkey::fwknop {
namespace {

constexpr std::string_view scheme = "http://";

}  // namespace

Result<Proxy> parse_proxy(std::string_view text) {
  if (starts_with_ignoring_case(text, scheme)) text.remove_prefix(scheme.size());
  text = text.substr(0, text.find('/'));
  const std::size_t colon = text.find(':');
  Proxy proxy{std::string(text.substr(0, colon)), std::nullopt};
  if (colon == std::string_view::npos) return proxy;
  proxy.port = parse_number<std::uint16_t>(text.substr(colon + 1), 1);
  if (!proxy.port) return fail(Error{"[-] proxy port value is invalid, must be in [1-65535]"});
  return proxy;
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace latchkey::fwknop
