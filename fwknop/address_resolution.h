// SPDX-License-Identifier: GPL-2.0-or-later
// Finding the own address, as the world sees it: -R, --resolve-http-only, -w (spec/fwknop-client.md 9).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fwknop/console.h"
#include "fwknop/settings.h"

namespace latchkey::fwknop {

/// By HTTPS, by the program of -w, or by plain HTTP. Error: the lines for standard error.
Result<std::string> resolve_own_address(const Settings& settings, Console& console);

/// The words of the wget command line: -w split at white space, the user agent as one argument (D23).
std::vector<std::string> wget_words(const Settings& settings, std::string_view url);

/// White space, then the leading digits and dots of a page, when they are one dotted quad with octets 0-255.
std::optional<std::string> address_in_page(std::string_view page);
/// Whether nothing but white space follows that address.
bool is_only_address(std::string_view page);

/// The bytes of the plain HTTP request (9.2).
std::string plain_request(std::string_view host, std::string_view path, std::string_view user_agent);

}  // namespace latchkey::fwknop
