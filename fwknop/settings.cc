// SPDX-License-Identifier: GPL-2.0-or-later
// Settings: the values that more than one option or directive sets.
#include "fwknop/settings.h"

namespace latchkey::fwknop {

void Settings::set_allow_address(std::string_view address, Source source) {
  allow_address = address;
  allow_address_source = source;
  // ALLOW_IP takes back an earlier wish to resolve. -R beside -a is kept: saving writes it, as N (spec 5.1).
  if (source != Source::command_line) resolves_address = false;
}

void Settings::set_resolve(Source source) {
  if (allow_address_source < source) allow_address.clear();
  resolves_address = true;
}

void Settings::set_time_offset(std::chrono::seconds offset, Source source) {
  if (source == Source::command_line && time_offset_source == source && time_offset.count() < 0 && offset.count() >= 0)
    return;
  if (source == Source::command_line && time_offset_source == source && offset.count() == 0) return;
  time_offset = offset;
  time_offset_source = source;
}

}  // namespace latchkey::fwknop
