// SPDX-License-Identifier: GPL-2.0-or-later
// QueueCapture: the monitor's side of capture from a netfilter queue: its rules, the queue itself, the verdicts.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/log/logger.h"
#include "common/net/packet_queue.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/firewall/command_runner.h"
#include "fwknopd/firewall/queue_rules.h"

namespace latchkey::fwknopd {

/// See net::open_packet_queue().
using OpenQueue =
    std::function<Result<std::unique_ptr<net::PacketQueue>>(std::uint16_t number, std::vector<std::string>& warnings)>;

class QueueCapture {
 public:
  /// `log` and `journal` outlive this object. `open_queue` may be empty.
  QueueCapture(const Settings& settings, log::Logger& log, RuleJournal& journal, OpenQueue open_queue);
  /// Takes the rules back, then closes the queue.
  ~QueueCapture();
  QueueCapture(const QueueCapture&) = delete;
  QueueCapture& operator=(const QueueCapture&) = delete;

  /// Makes the rules; none in a test run. False after a line.
  bool start();
  /// Would these settings lead to the same rules?
  bool serves(const Settings& settings) const;

  /// A queue for a new sensor. What an earlier sensor has read and not decided is dropped. False after a line.
  bool open();
  void close() { packets_.reset(); }
  /// nullptr while it is closed.
  net::PacketQueue* packets() { return packets_.get(); }
  /// A `verdict` message. False: it is none, or there is nothing to decide on.
  bool decide(ByteView payload);

 private:
  FirewallSettings firewall_;
  QueueSettings queue_;
  bool is_test_;
  log::Logger& log_;
  RuleJournal& journal_;
  OpenQueue open_queue_;
  SystemRunner runner_;
  std::unique_ptr<QueueRules> rules_;
  std::unique_ptr<net::PacketQueue> packets_;
};

}  // namespace latchkey::fwknopd
