// SPDX-License-Identifier: GPL-2.0-or-later
// GrantDesk: the monitor's side of access requests: checks, opens, takes back in time
// (spec/fwknopd-runtime.md 4.3, 4.4).
#pragma once
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/logger.h"
#include "common/os/children.h"
#include "common/os/event_loop.h"
#include "fwknopd/config/configuration.h"
#include "fwknopd/firewall/firewall.h"
#include "fwknopd/requests.h"
#include "fwknopd/ruleset_watch.h"

namespace latchkey::fwknopd {

struct GrantDeskContext {
  const Configuration& configuration;
  log::Logger& log;
  os::EventLoop& loop;
  os::Children& children;
  RuleJournal& journal;
};

class GrantDesk {
 public:
  /// Everything given outlives the desk.
  explicit GrantDesk(const GrantDeskContext& context);
  ~GrantDesk();
  GrantDesk(const GrantDesk&) = delete;
  GrantDesk& operator=(const GrantDesk&) = delete;

  /// Makes the chains, then the rules of an earlier process or of the desk before a reload. False: the daemon must not
  /// run.
  bool start(StartKind kind, std::vector<OpenRule> rules);

  /// Judges a request again, tells the verdict, then grants it. What is refused has a line in the log.
  void submit(const AccessRequest& request, const std::function<void(bool is_granted)>& tell);

  /// Closes what FLUSH_*_AT_EXIT says.
  void stop();
  /// Deletes the chains in any case: after a start that failed.
  void flush();
  /// Would the chains of a new configuration be the same?
  bool keeps_chains(const Configuration& next) const;
  /// Before a reload: our rules, which stay open.
  std::vector<OpenRule> release();
  bool has_rules() const { return firewall_ && firewall_->has_rules(); }

 private:
  std::optional<std::string> refusal_of(const AccessRequest& request) const;
  static bool target_is_local(const AccessRequest& request, const net::IpAddress& target);
  void resolve(const AccessRequest& request);
  void end_look_up(const AccessRequest& request, const os::ChildExit& ended);
  void give_up_look_ups();
  void grant(const AccessRequest& request, std::optional<Endpoint> nat);
  void schedule_expiry();
  void schedule_deep_check();
  void check_deeply();

  GrantDeskContext context_;
  SystemRunner runner_;
  std::unique_ptr<Firewall> firewall_;  ///< none in a test run, or where every stanza runs commands
  std::vector<OpenRule> rules_;         ///< to be restored, while the firewall does not start
  std::unique_ptr<RulesetWatch> watch_;
  os::TimerId expiry_;
  os::TimerId deep_check_;
  std::map<pid_t, AccessRequest> look_ups_;                        ///< of NAT targets, by their process
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  ///< for look-ups that end after the desk
};

}  // namespace latchkey::fwknopd
