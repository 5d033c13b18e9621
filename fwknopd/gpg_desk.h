// SPDX-License-Identifier: GPL-2.0-or-later
// The monitor's dealings with GPG: one helper for each owner of key rings, and which of them a stanza's packets go to.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fwknopd/gpg_worker.h"

namespace latchkey::fwknopd {

class GpgDesk {
 public:
  /// Requests that may wait; the sensor sends no more than these.
  static constexpr std::size_t most_waiting = 32;

  explicit GpgDesk(GpgDeskContext context);
  ~GpgDesk();
  GpgDesk(const GpgDesk&) = delete;
  GpgDesk& operator=(const GpgDesk&) = delete;

  /// Forgets the requests of the old configuration, ends its helpers, and starts those of this one: one for each owner
  /// of a key ring directory. `configuration` outlives its use here.
  void set_configuration(Configuration& configuration);
  /// Ends the helpers, and what they are running.
  void stop();
  /// False: not a request that a sensor may make; it has been taken over.
  bool submit(ByteView payload);

 private:
  GpgWorker* worker_for(std::size_t stanza);
  std::size_t waiting() const;

  GpgDeskContext context_;
  Configuration* configuration_ = nullptr;
  std::vector<std::optional<uid_t>> owners_;  ///< by stanza; none: not found (yet)
  std::map<uid_t, std::unique_ptr<GpgWorker>> workers_;
  std::vector<std::unique_ptr<GpgWorker>> old_workers_;  ///< until their callbacks have returned
  os::TimerId clean_up_;
};

}  // namespace latchkey::fwknopd
