// SPDX-License-Identifier: GPL-2.0-or-later
// Switching forwarding on.
#include "fwknopd/firewall/ip_forward.h"

#include <fcntl.h>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/os/files.h"

namespace latchkey::fwknopd {
namespace {

constexpr char switch_file[] = "/proc/sys/net/ipv4/ip_forward";
constexpr std::size_t longest_value = 64;
constexpr char failed[] = "Warning: Could not enable forwarding: {}";

Result<void> write_one() {
  const Fd file(::open(switch_file, O_WRONLY | O_CLOEXEC));
  if (!file) return fail(os_error(switch_file));
  return write_all(file.get(), "1\n");
}

}  // namespace

void enable_ip_forward(log::Logger& log) {
  const auto value = os::read_file(switch_file, longest_value);
  if (!value) return log.warning(failed, value.error().text);
  if (strip(*value) != "0") return;
  if (const auto written = write_one(); !written) return log.warning(failed, written.error().text);
  log.info("Forwarding was off; wrote 1 to {}", switch_file);
}

}  // namespace latchkey::fwknopd
