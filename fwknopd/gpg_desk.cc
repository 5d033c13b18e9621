// SPDX-License-Identifier: GPL-2.0-or-later
// Owners of key rings, and the way from a stanza to its helper.
#include "fwknopd/gpg_desk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "fwknopd/gpg_helper.h"

namespace latchkey::fwknopd {
namespace {

/// A daemon that is not root can be nobody else, known to the name service or not.
os::User present_user() {
  auto user = os::find_user(geteuid());
  if (user) return *std::move(user);
  return {.name = std::to_string(geteuid()), .uid = geteuid(), .gid = getegid(), .home = "/", .shell = "/bin/sh"};
}

/// None: there is no such folder, or its owner is no user of the system.
std::optional<os::User> find_owner(const std::string& folder) {
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) return std::nullopt;
  if (geteuid() != 0) return present_user();
  auto user = os::find_user(facts.st_uid);
  if (!user) return std::nullopt;
  return *std::move(user);
}

GpgAnswer answer_without_owner(const GpgRequest& request, const Stanza& stanza, const Settings& settings) {
  if (auto fault = find_gpg_path_fault(request, stanza, settings)) return *std::move(fault);
  return {.id = request.id,
          .stage = GpgAnswer::Stage::bad_home,
          .code = spa::Code::gpgme_bad_home_dir,
          .text = gpg_home_of(stanza, settings)};
}

}  // namespace

GpgDesk::GpgDesk(GpgDeskContext context) : context_(std::move(context)) {}

GpgDesk::~GpgDesk() {
  stop();
  context_.loop.cancel(clean_up_);
}

void GpgDesk::set_configuration(Configuration& configuration) {
  stop();
  configuration_ = &configuration;
  owners_.assign(configuration.stanzas.size(), std::nullopt);
  for (std::size_t stanza = 0; stanza < owners_.size(); ++stanza) {
    if (configuration.stanzas[stanza].gpg.is_used) worker_for(stanza);
  }
}

void GpgDesk::stop() {
  for (auto& [uid, worker] : workers_) {
    worker->stop();
    old_workers_.push_back(std::move(worker));
  }
  workers_.clear();
  owners_.assign(owners_.size(), std::nullopt);
  // We may be inside one of their callbacks.
  context_.loop.cancel(clean_up_);
  clean_up_ = context_.loop.call_after(std::chrono::microseconds(0), [this] { old_workers_.clear(); });
}

bool GpgDesk::submit(ByteView payload) {
  auto request = decode_gpg_request(payload);
  if (!request || configuration_ == nullptr || request->stanza >= configuration_->stanzas.size()) return false;
  const Stanza& stanza = configuration_->stanzas[request->stanza];
  if (!stanza.gpg.is_used || waiting() >= most_waiting) return false;
  if (GpgWorker* worker = worker_for(request->stanza)) {
    worker->submit(std::move(*request));
  } else {
    context_.answer(encode(answer_without_owner(*request, stanza, configuration_->settings)));
  }
  return true;
}

/// The owner is looked up once: who can exchange the folder later does not choose the user of a process with it. A
/// folder that was not there is looked for again. nullptr: no owner.
GpgWorker* GpgDesk::worker_for(std::size_t stanza) {
  if (const auto uid = owners_[stanza]) return workers_.at(*uid).get();
  auto owner = find_owner(gpg_home_of(configuration_->stanzas[stanza], configuration_->settings));
  if (!owner) return nullptr;
  owners_[stanza] = owner->uid;
  auto& worker = workers_[owner->uid];
  if (!worker) {
    worker = std::make_unique<GpgWorker>(context_, *configuration_, *std::move(owner));
    worker->start();
  }
  return worker.get();
}

std::size_t GpgDesk::waiting() const {
  std::size_t count = 0;
  for (const auto& [uid, worker] : workers_) count += worker->waiting();
  return count;
}

}  // namespace latchkey::fwknopd
