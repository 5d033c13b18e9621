// SPDX-License-Identifier: GPL-2.0-or-later
// The netfilter queue of the monitor.
#include "fwknopd/queue_capture.h"

#include "fwknopd/requests.h"

namespace latchkey::fwknopd {

QueueCapture::QueueCapture(const Settings& settings, log::Logger& log, RuleJournal& journal, OpenQueue open_queue)
    : firewall_(settings.firewall),
      queue_(settings.capture.queue),
      is_test_(settings.test_mode),
      log_(log),
      journal_(journal),
      open_queue_(open_queue ? std::move(open_queue) : OpenQueue(net::open_packet_queue)),
      runner_(log, settings.verbosity) {}

QueueCapture::~QueueCapture() {
  if (rules_) rules_->remove();
}

bool QueueCapture::start() {
  if (is_test_) return true;
  rules_ = std::make_unique<QueueRules>(firewall_, queue_, log_, runner_, journal_);
  if (rules_->start()) return true;
  rules_.reset();
  return false;
}

bool QueueCapture::serves(const Settings& settings) const {
  return settings.capture.mode == CaptureMode::nfqueue && settings.capture.queue == queue_ &&
         settings.test_mode == is_test_ && settings.firewall.kind == firewall_.kind &&
         settings.firewall.exe == firewall_.exe;
}

bool QueueCapture::open() {
  close();
  std::vector<std::string> warnings;
  auto opened = open_queue_(queue_.number, warnings);
  for (const std::string& warning : warnings) log_.warning("{}", warning);
  if (!opened) {
    log_.error("{}", opened.error().text);
    return false;
  }
  packets_ = std::move(*opened);
  return true;
}

bool QueueCapture::decide(ByteView payload) {
  const auto verdict = decode_queue_verdict(payload);
  if (!verdict || !packets_) return false;
  packets_->decide(verdict->packet, verdict->is_dropped);
  return true;
}

}  // namespace latchkey::fwknopd
