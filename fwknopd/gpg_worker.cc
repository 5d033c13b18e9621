// SPDX-License-Identifier: GPL-2.0-or-later
// Life of a GPG helper, seen from the monitor.
#include "fwknopd/gpg_worker.h"

#include <signal.h>

#include <utility>

#include "common/base/text.h"
#include "common/os/files.h"
#include "fwknopd/gpg_helper.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::size_t most_child_list_bytes = 64 * 1024;

/// What the helper has started, or adopted: gpg, and the agents that gpg left behind.
std::vector<pid_t> children_of(pid_t process) {
  const std::string number = std::to_string(process);
  const auto list = os::read_file("/proc/" + number + "/task/" + number + "/children", most_child_list_bytes);
  std::vector<pid_t> pids;
  if (!list) return pids;
  for (const std::string_view word : split(*list, ' ')) {
    if (const auto pid = parse_number<pid_t>(word)) pids.push_back(*pid);
  }
  return pids;
}

}  // namespace

GpgWorker::GpgWorker(const GpgDeskContext& context, Configuration& configuration, os::User owner)
    : context_(context), configuration_(configuration), owner_(std::move(owner)) {}

GpgWorker::~GpgWorker() {
  stop();
  context_.loop.cancel(clean_up_);
}

void GpgWorker::stop() {
  stop_helper();
  waiting_.clear();
  context_.loop.cancel(resume_);
}

void GpgWorker::submit(GpgRequest request) {
  waiting_.push_back(std::move(request));
  send_next();
}

bool GpgWorker::start() {
  privsep::ConfineOptions confine;
  confine.name = "fwknopd: gpg";
  confine.profile = privsep::Profile::gpg_helper;
  confine.settings = context_.sandbox;
  confine.owner = owner_;
  confine.locks_memory = true;
  auto started = privsep::start_confined(
      confine, [this](privsep::Channel channel) { return make_gpg_helper(std::move(channel), configuration_); });
  if (!started) {
    context_.log.error(text::gpg_helper_not_started, started.error().text);
    return false;
  }
  for (const std::string& note : started->notes) context_.log.warning("{}", note);
  helper_ = started->pid;
  context_.children.adopt(helper_, [&log = context_.log](const os::ChildExit& exit) {
    const int signal = exit.signal_number();
    if (signal != 0 && signal != SIGKILL) log.error(text::sensor_killed, "The GPG process", signal);
  });
  channel_ = std::make_unique<privsep::LoopChannel>(
      context_.loop, std::move(started->channel),
      [this](const privsep::Message& message) { return on_answer(message); },
      [this](const Error& error) { on_end(error); });
  return true;
}

void GpgWorker::stop_helper() {
  context_.loop.cancel(limit_);
  if (helper_ > 0) {
    // Agents are in sessions of their own. One that may hang is not asked.
    const int signal_for_agents = is_busy_ ? SIGKILL : SIGTERM;
    const auto children = children_of(helper_);
    // It leads a session of its own; a gpg that hangs goes with it.
    ::kill(-helper_, SIGKILL);
    for (const pid_t child : children) ::kill(child, signal_for_agents);
  }
  helper_ = -1;
  is_busy_ = false;
  if (!channel_) return;
  channel_->close();
  // We may be inside one of its callbacks.
  old_channels_.push_back(std::move(channel_));
  context_.loop.cancel(clean_up_);
  clean_up_ = context_.loop.call_after(std::chrono::microseconds(0), [this] { old_channels_.clear(); });
}

void GpgWorker::send_next() {
  while (!is_busy_ && !waiting_.empty()) {
    if (!channel_ && !start()) {
      give_up("no helper");
      continue;
    }
    is_busy_ = true;
    limit_ = context_.loop.call_after(time_limit, [this] { on_time_limit(); });
    // An end of the helper shows here at once, and clears is_busy_.
    channel_->send(gpg_message_type, encode(waiting_.front()));
  }
}

bool GpgWorker::on_answer(const privsep::Message& message) {
  const auto answer = decode_gpg_answer(message.payload);
  if (!is_busy_ || !answer || answer->id != waiting_.front().id) return false;
  context_.loop.cancel(limit_);
  waiting_.pop_front();
  is_busy_ = false;
  context_.answer(message.payload);
  send_next();
  return true;
}

void GpgWorker::on_end(const Error& error) {
  context_.log.error(text::gpg_helper_ended, error.text);
  const bool was_busy = is_busy_;
  stop_helper();
  if (was_busy) give_up("gpg helper ended");
  context_.loop.cancel(resume_);
  resume_ = context_.loop.call_after(std::chrono::microseconds(0), [this] { send_next(); });
}

void GpgWorker::on_time_limit() {
  context_.log.error(text::gpg_too_slow, time_limit.count());
  stop_helper();
  give_up("gpg does not answer");
  send_next();
}

/// The request in hand fails; others get their turn.
void GpgWorker::give_up(const std::string& reason) {
  const GpgAnswer answer{.id = waiting_.front().id,
                         .stage = GpgAnswer::Stage::failed,
                         .code = spa::Code::gpgme_decrypt_failed,
                         .text = reason};
  waiting_.pop_front();
  context_.answer(encode(answer));
}

}  // namespace latchkey::fwknopd
