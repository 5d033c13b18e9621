// SPDX-License-Identifier: GPL-2.0-or-later
// Any text as a listing of iptables: comments of others are anybody's words, and no number comes out that was not
// there.
#include <cstdlib>

#include "common/base/text.h"
#include "fwknopd/firewall/tracking.h"
#include "fwknopd/firewall/xtables_text.h"

using namespace latchkey;
using namespace latchkey::fwknopd;

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

const Rule& example_rule() {
  static const Rule rule = [] {
    Rule made;
    made.allowed = *net::parse_ip_address("192.0.2.7");
    made.service = {Protocol::tcp, 22};
    made.expires_at_s = 1704164675;
    return made;
  }();
  return rule;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const Listing listing = parse_listing(text);
  for (const ListedRule& rule : listing.rules) {
    check(rule.number > 0 && rule.expires_at_s >= 0);
    check(rule.line.find("_exp_") != std::string_view::npos);
    check(text.find(rule.line) != std::string_view::npos);
  }
  check(listing.has_comments || (listing.rules.empty() && !listing.has_broken_line));
  if (is_listed(example_rule(), ChainSpec{.target = "ACCEPT"}, text))
    check(text.find("192.0.2.7") != std::string_view::npos && text.find("_exp_1704164675") != std::string_view::npos);
  for (const std::string_view line : lines_of(text))
    if (has_expiry(line, 1704164675)) check(line.find("1704164675") != std::string_view::npos);
  return 0;
}
