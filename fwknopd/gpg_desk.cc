// SPDX-License-Identifier: GPL-2.0-or-later
// Life of the GPG helper, seen from the monitor.
#include "fwknopd/gpg_desk.h"

#include <signal.h>

#include <algorithm>

#include "fwknopd/gpg_helper.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

bool uses_gpg(const Configuration& configuration) {
  return std::ranges::any_of(configuration.stanzas, [](const Stanza& stanza) { return stanza.gpg.is_used; });
}

}  // namespace

GpgDesk::GpgDesk(GpgDeskContext context) : context_(std::move(context)) {}
GpgDesk::~GpgDesk() { stop(); }

void GpgDesk::set_configuration(const Configuration& configuration) {
  stop();
  configuration_ = &configuration;
  if (uses_gpg(configuration)) start_helper();
}

void GpgDesk::stop() {
  waiting_.clear();
  stop_helper();
}

bool GpgDesk::submit(ByteView payload) {
  auto request = decode_gpg_request(payload);
  if (!request || configuration_ == nullptr || request->stanza >= configuration_->stanzas.size()) return false;
  if (!configuration_->stanzas[request->stanza].gpg.is_used || waiting_.size() >= most_waiting) return false;
  waiting_.push_back(std::move(*request));
  send_next();
  return true;
}

bool GpgDesk::start_helper() {
  privsep::ConfineOptions confine;
  confine.name = "fwknopd: gpg";
  confine.profile = privsep::Profile::gpg_helper;
  confine.settings = context_.sandbox;
  confine.keeps_user_and_root = true;
  confine.locks_memory = true;
  auto started = privsep::start_confined(
      confine, [this](privsep::Channel channel) { return make_gpg_helper(std::move(channel), *configuration_); });
  if (!started) {
    context_.log.error(text::gpg_helper_not_started, started.error().text);
    return false;
  }
  for (const std::string& note : started->notes) context_.log.warning("{}", note);
  helper_ = started->pid;
  context_.children.adopt(helper_, [this](const os::ChildExit& exit) {
    const int signal = exit.signal_number();
    if (signal != 0 && signal != SIGKILL) context_.log.error(text::sensor_killed, "The GPG process", signal);
  });
  channel_ = std::make_unique<privsep::LoopChannel>(
      context_.loop, std::move(started->channel),
      [this](const privsep::Message& message) { return on_answer(message); },
      [this](const Error& error) { on_end(error); });
  return true;
}

void GpgDesk::stop_helper() {
  context_.loop.cancel(limit_);
  is_busy_ = false;
  // It leads a session of its own; a gpg that hangs goes with it.
  if (helper_ > 0) ::kill(-helper_, SIGKILL);
  helper_ = -1;
  if (!channel_) return;
  // We may be inside one of its callbacks.
  old_channels_.push_back(std::move(channel_));
  context_.loop.call_after(std::chrono::microseconds(0), [this] { old_channels_.clear(); });
}

void GpgDesk::send_next() {
  while (!is_busy_ && !waiting_.empty()) {
    if (!channel_ && !start_helper()) {
      give_up("no helper");
      continue;
    }
    is_busy_ = true;
    limit_ = context_.loop.call_after(time_limit, [this] { on_time_limit(); });
    // An end of the helper shows here at once, and clears is_busy_.
    channel_->send(gpg_message_type, encode(waiting_.front()));
  }
}

bool GpgDesk::on_answer(const privsep::Message& message) {
  const auto answer = decode_gpg_answer(message.payload);
  if (!is_busy_ || !answer || answer->id != waiting_.front().id) return false;
  context_.loop.cancel(limit_);
  waiting_.pop_front();
  is_busy_ = false;
  context_.answer(message.payload);
  send_next();
  return true;
}

void GpgDesk::on_end(const Error& error) {
  context_.log.error(text::gpg_helper_ended, error.text);
  const bool was_busy = is_busy_;
  stop_helper();
  if (was_busy) give_up("gpg helper ended");
  context_.loop.call_after(std::chrono::microseconds(0), [this] { send_next(); });
}

void GpgDesk::on_time_limit() {
  context_.log.error(text::gpg_too_slow, time_limit.count());
  stop_helper();
  give_up("gpg does not answer");
  send_next();
}

/// The request in hand fails; others get their turn.
void GpgDesk::give_up(const std::string& reason) {
  const GpgAnswer answer{.id = waiting_.front().id,
                         .stage = GpgAnswer::Stage::failed,
                         .code = spa::Code::gpgme_decrypt_failed,
                         .text = reason};
  waiting_.pop_front();
  context_.answer(encode(answer));
}

}  // namespace latchkey::fwknopd
