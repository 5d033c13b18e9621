// SPDX-License-Identifier: GPL-2.0-or-later
// Access requests, from the message of the sensor to the rule and its end.
#include "fwknopd/grant_desk.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/text.h"
#include "common/net/interfaces.h"
#include "common/spa/validate.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/policy.h"

namespace latchkey::fwknopd {
namespace {

using std::chrono::microseconds;
constexpr std::chrono::seconds resolver_limit{5};

bool is_loopback(const net::IpAddress& address) { return address.is_v4() && address.v4_value() >> 24 == 127; }

/// Labels neither begin nor end with a hyphen (RFC 1123); the wire format does not look so closely.
bool is_resolvable(std::string_view host) {
  return spa::is_host_name(host) && std::ranges::none_of(split(host, '.'), [](std::string_view label) {
           return label.starts_with('-') || label.ends_with('-');
         });
}

/// A look-up that can be stopped: the C library's resolver in a process of its own.
os::Command resolver_command(const std::string& host) {
  os::Command command;
  command.argv = {"/usr/bin/getent", "--no-addrconfig", "ahostsv4", host};
  command.environment = std::vector<std::string>{"PATH=/usr/bin:/bin", "LC_ALL=C"};
  command.directory.assign(1, '/');
  command.output = os::Stream::capture;
  command.new_session = true;
  return command;
}

}  // namespace

GrantDesk::GrantDesk(const GrantDeskContext& context)
    : context_(context), runner_(context.log, context.configuration.settings.verbosity, &context.children) {
  const Configuration& configuration = context.configuration;
  if (!needs_firewall(configuration.settings, configuration.stanzas)) return;
  firewall_ =
      make_firewall({.settings = configuration.settings.firewall,
                     .stanzas = configuration.stanzas,
                     .log = context.log,
                     .clock = context.loop.clock(),
                     .runner = runner_,
                     .journal = context.journal,
                     .count_changes = [this] { return watch_ ? std::optional(watch_->count_changes()) : std::nullopt; },
                     .on_foreign_change = [this] { schedule_deep_check(); },
                     .on_removal_end = [this] { schedule_expiry(); },
                     .restore_exe = find_restore_program(configuration.settings.firewall.exe)});
}

GrantDesk::~GrantDesk() {
  give_up_look_ups();
  *is_alive_ = false;
  context_.loop.cancel(expiry_);
  context_.loop.cancel(deep_check_);
}

bool GrantDesk::start(StartKind kind, std::vector<OpenRule> rules) {
  if (!firewall_) {
    for (const OpenRule& open : rules) context_.journal.closed(open);  // their chains are gone
    return true;
  }
  rules_ = std::move(rules);
  if (!firewall_->start(kind) && kind != StartKind::back) return false;
  if (!rules_.empty()) firewall_->restore(std::exchange(rules_, {}));
  if (firewall_->changes_are_told()) {
    auto watch = RulesetWatch::open(context_.loop, [this] {
      if (!firewall_->is_removing()) schedule_deep_check();
    });
    if (watch) watch_ = std::move(*watch);
  }
  schedule_expiry();
  schedule_deep_check();
  return true;
}

void GrantDesk::stop() {
  give_up_look_ups();
  watch_.reset();
  context_.loop.cancel(expiry_);
  context_.loop.cancel(deep_check_);
  if (firewall_) firewall_->stop();
}

void GrantDesk::flush() {
  if (firewall_) firewall_->flush();
}

bool GrantDesk::keeps_chains(const Configuration& next) const {
  const FirewallSettings& now = context_.configuration.settings.firewall;
  const FirewallSettings& then = next.settings.firewall;
  const Configuration& present = context_.configuration;
  return needs_firewall(present.settings, present.stanzas) == needs_firewall(next.settings, next.stanzas) &&
         share_rules(now, then) &&
         active_slots(now, context_.configuration.stanzas) == active_slots(then, next.stanzas) &&
         std::ranges::all_of(all_slots, [&](Slot slot) { return chain_of(now, slot) == chain_of(then, slot); });
}

std::vector<OpenRule> GrantDesk::release() {
  give_up_look_ups();
  return firewall_ && rules_.empty() ? firewall_->release() : std::exchange(rules_, {});
}

std::optional<std::string> GrantDesk::refusal_of(const AccessRequest& request) const {
  const Configuration& configuration = context_.configuration;
  if (request.stanza >= configuration.stanzas.size()) return "there is no such stanza";
  if (!firewall_) return "there is no firewall";
  return check_access(configuration.settings, configuration.stanzas[request.stanza], request,
                      to_epoch_seconds(context_.loop.clock().wall()));
}

void GrantDesk::submit(const AccessRequest& request, const std::function<void(bool is_granted)>& tell) {
  const std::string source = net::format_ip_address(request.packet_source);
  if (const auto refusal = refusal_of(request)) {
    context_.log.warning(text::request_refused, source, request.stanza + 1, *refusal);
    return tell(false);
  }
  const Stanza& stanza = context_.configuration.stanzas[request.stanza];
  if (!request.nat || stanza.force_nat || !firewall_->can_do_nat()) {
    tell(true);
    return grant(request, std::nullopt);
  }
  const auto address = net::parse_ip_address(request.nat->host);
  if (!address) {
    tell(true);
    return resolve(request);
  }
  if (request.kind == RequestKind::local_nat && !target_is_local(request, *address)) {
    context_.log.warning(text::nat_not_enabled, stanza.number, source);
    return tell(false);
  }
  tell(true);
  grant(request, Endpoint{*address, request.nat->port});
}

/// Local NAT leads to this host, not to any other (4.3, DEVIATE).
bool GrantDesk::target_is_local(const AccessRequest& request, const net::IpAddress& target) {
  if (is_loopback(target) || target == request.packet_destination) return true;
  const auto addresses = net::local_addresses();
  return addresses && std::ranges::any_of(*addresses, [&](const auto& local) { return local.address == target; });
}

void GrantDesk::resolve(const AccessRequest& request) {
  if (!context_.configuration.settings.firewall.nat_dns) {
    context_.log.info(text::nat_dns_off);
    return;
  }
  if (!is_resolvable(request.nat->host)) {
    context_.log.info(text::nat_bad_host);
    return;
  }
  const auto on_exit = [this, is_alive = is_alive_](const os::ChildExit& ended) {
    if (!*is_alive) return;
    if (const auto found = look_ups_.extract(ended.pid)) end_look_up(found.mapped(), ended);
  };
  const auto started =
      context_.children.start(resolver_command(request.nat->host), {.run_time = resolver_limit}, on_exit);
  if (started) {
    look_ups_.emplace(*started, request);
  } else {
    context_.log.info(text::nat_not_resolved);
  }
}

void GrantDesk::end_look_up(const AccessRequest& request, const os::ChildExit& ended) {
  const std::string_view output(ended.output);
  const auto address = net::parse_ip_address(output.substr(0, output.find(' ')));
  if (!ended.is_success() || !address) {
    context_.log.info(text::nat_not_resolved);
    return;
  }
  if (request.kind == RequestKind::local_nat && !target_is_local(request, *address)) {
    context_.log.warning(text::nat_not_enabled, context_.configuration.stanzas[request.stanza].number,
                         net::format_ip_address(request.packet_source));
    return;
  }
  context_.log.info(text::nat_resolved);
  grant(request, Endpoint{*address, request.nat->port});
}

/// The configuration that allowed them goes: the request would have to be judged by a stanza of the next one, and the
/// packet is gone.
void GrantDesk::give_up_look_ups() {
  for (const auto& [pid, request] : std::exchange(look_ups_, {})) {
    context_.children.send_signal(pid, SIGKILL);
    context_.log.warning(text::nat_dropped, net::format_ip_address(request.packet_source),
                         context_.configuration.stanzas[request.stanza].number, request.nat->host);
  }
}

void GrantDesk::grant(const AccessRequest& request, std::optional<Endpoint> nat) {
  const Stanza& stanza = context_.configuration.stanzas[request.stanza];
  const Clock& clock = context_.loop.clock();
  const WallTime now = clock.wall();
  Grant grant;
  grant.kind = request.kind;
  grant.allowed = request.allowed;
  grant.destination = request.packet_destination;
  grant.services = request.services;
  grant.nat = nat;
  const std::chrono::seconds lifetime = rule_lifetime(stanza, request.client_timeout_s);
  // The comment and the log say the whole second (2.3); the access lasts as long as was asked, not up to a second less.
  grant.expires_at_s = to_epoch_seconds(now) + lifetime.count();
  grant.due = clock.monotonic() + lifetime;
  firewall_->open(stanza, grant);
  schedule_expiry();
  schedule_deep_check();
}

void GrantDesk::schedule_expiry() {
  context_.loop.cancel(expiry_);
  const auto due = firewall_->next_due();
  if (!due) return;
  expiry_ = context_.loop.call_at(*due, [this] {
    firewall_->expire();
    schedule_expiry();
  });
}

/// The peer looks every RULES_CHECK_THRESHOLD loops. So do we while there is something to watch: rules of others that
/// carry an expiry, or a firewall that does not tell of changes. Rules of ours have their own timer.
void GrantDesk::schedule_deep_check() {
  const Settings& settings = context_.configuration.settings;
  if (settings.firewall.rules_check_threshold == 0 || deep_check_.is_set() || !firewall_->has_foreign_rules()) return;
  const auto interval = settings.capture.loop_sleep * settings.firewall.rules_check_threshold;
  deep_check_ = context_.loop.call_after(interval, [this] { check_deeply(); });
}

void GrantDesk::check_deeply() {
  deep_check_ = {};
  firewall_->check_deeply();
  schedule_expiry();
  if (!watch_ || firewall_->next_foreign_expiry_s()) schedule_deep_check();
}

}  // namespace latchkey::fwknopd
