// SPDX-License-Identifier: GPL-2.0-or-later
// A confined process that a test looks around in: it runs a function and sends back what that has found.
#pragma once
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/fd.h"
#include "common/privsep/channel.h"
#include "common/privsep/confine.h"
#include "common/privsep/coverage.h"

namespace latchkey::test {

/// What a probe found: text that it sends to the test.
using Probe = std::function<std::string()>;

class ProbeProgram final : public privsep::ConfinedProgram {
 public:
  ProbeProgram(privsep::Channel channel, Probe probe) : channel_(std::move(channel)), probe_(std::move(probe)) {}
  /// As libpcap's handles do, which give up their promiscuous mode.
  ~ProbeProgram() override {
    const int off = 0;
    setsockopt(channel_.fd(), SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
  }
  int run() override {
    if (!channel_.send(1, as_bytes(probe_()))) return 2;
    return 5;
  }

 private:
  privsep::Channel channel_;
  Probe probe_;
};

struct Outcome {
  std::string text;  ///< what the probe sent; empty when it was killed first
  int status = 0;
  std::vector<std::string> notes;
  std::string error;  ///< of the start
};

inline privsep::ConfineOptions sensor_options() {
  privsep::ConfineOptions options;
  options.name = "test: sensor";
  options.settings.user = "nobody";  // whoever was chosen at build time may not be here
  return options;
}

/// Without the filter: for probes that ask the kernel about themselves.
inline privsep::ConfineOptions unfiltered_options() {
  privsep::ConfineOptions options = sensor_options();
  options.settings.is_enabled = false;
  return options;
}

inline Outcome run_confined(const privsep::ConfineOptions& options, Probe probe) {
  using Made = Result<std::unique_ptr<privsep::ConfinedProgram>>;
  auto process = start_confined(options, [&](privsep::Channel channel) -> Made {
    return std::unique_ptr<privsep::ConfinedProgram>(new ProbeProgram(std::move(channel), probe));
  });
  Outcome outcome;
  if (!process) {
    outcome.error = process.error().text;
    return outcome;
  }
  outcome.notes = process->notes;
  if (const auto message = process->channel.receive_waiting(20000)) outcome.text = as_text(message->payload);
  waitpid(process->pid, &outcome.status, 0);
  return outcome;
}

/// What `question` answers in a fork of the test, which it may change (user, groups, mounts) or lose.
inline std::string ask_in_child(const Probe& question) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "no pipe";
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    const auto written = write_all(in.get(), question());
    privsep::write_coverage();
    _exit(written ? 0 : 1);
  }
  in.close();
  // Until every process that holds the other end has ended.
  const auto answer = read_all(out.get(), 1 << 20);
  waitpid(pid, nullptr, 0);
  return answer ? *answer : "no answer";
}

}  // namespace latchkey::test
