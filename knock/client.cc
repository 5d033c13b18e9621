// SPDX-License-Identifier: GPL-2.0-or-later
// The run of knock: options, operands, resolving, sending.
#include "knock/client.h"

#include <time.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "common/cli/scan.h"
#include "common/net/host_text.h"
#include "common/net/send.h"
#include "knock/hits.h"
#include "knock/options.h"

namespace latchkey::knock {
namespace {

constexpr int exit_failure = 1;

int print_usage() {
  std::fputs(usage_text().c_str(), stdout);
  return exit_failure;
}

int print_error(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  return exit_failure;
}

void sleep_for(int delay_ms) {
  timespec rest{.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1'000'000L};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) continue;
}

void announce(const Hit& hit, const net::SocketAddress& target) {
  std::printf("hitting %s %s:%s\n", net::format_protocol(hit.protocol).c_str(), net::format_host(target).c_str(),
              hit.port_text.c_str());
  std::fflush(stdout);
}

bool send_hit(const Hit& hit, const net::SocketAddress& target) {
  return hit.protocol == net::IpProtocol::udp ? net::knock_udp(target).ok() : net::knock_tcp(target).ok();
}

}  // namespace

int run_knock(std::span<char* const> argv) {
  Options options;
  const cli::Outcome outcome = cli::parse_options(argv, option_table(), options);
  if (outcome.kind == cli::Outcome::Kind::stopped) return outcome.exit_status;
  if (outcome.kind == cli::Outcome::Kind::bad_option || outcome.operands.size() < 2) return print_usage();
  const auto delay_ms = parse_delay(options.delay);
  if (!delay_ms) return print_error(delay_ms.error());

  std::vector<Hit> hits;
  for (const std::string_view operand : std::span(outcome.operands).subspan(1)) {
    auto hit = parse_hit(operand, options.forces_udp);
    if (!hit) return print_error(hit.error());
    hits.push_back(std::move(hit).value());
  }
  const auto targets = resolve_hits(std::string(outcome.operands.front()), hits, options.family);
  if (!targets) return print_error(targets.error());

  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (options.is_verbose) announce(hits[i], (*targets)[i]);
    if (!send_hit(hits[i], (*targets)[i])) return print_error({"Cannot open socket"});
    sleep_for(*delay_ms);
  }
  return 0;
}

}  // namespace latchkey::knock
