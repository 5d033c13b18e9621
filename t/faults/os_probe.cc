// SPDX-License-Identifier: GPL-2.0-or-later
// Calls functions of common/os and common/privsep and prints what they said, for t/faults/os_calls.py.
#include <sys/wait.h>

#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "common/os/append_log.h"
#include "common/os/children.h"
#include "common/os/daemonize.h"
#include "common/os/files.h"
#include "common/os/pid_file.h"
#include "common/privsep/confine.h"

namespace latchkey {
namespace {

/// One line a call: "ok" or the errno.
void tell(const Result<void>& result) {
  if (result) {
    std::puts("ok");
  } else {
    std::printf("error %d\n", result.error().os_code);
  }
}

template <class T>
Result<void> without_value(const Result<T>& result) {
  return result ? Result<void>() : fail(result.error());
}

void try_append(const std::string& path) {
  auto log = os::AppendLog::open(path, {.header = "# header"});
  tell(without_value(log));
  if (!log) return;
  for (const char* line : {"one", "two", "three"}) tell(log->append(line));
}

void try_pid_file(const std::string& path) {
  auto file = os::PidFile::acquire(path, 0600);
  if (!file) return tell(fail(file.error().error));
  tell({});
  file->remove();
}

void try_run(const std::string&) {
  os::Command command;
  command.argv = os::shell_argv("cat; exit 3");
  command.input_text = "text";
  command.output = os::Stream::capture;
  const auto ended = os::run_captured(command, {.run_time = std::chrono::seconds(20)});
  if (!ended) return tell(fail(ended.error().error));
  std::printf("ended %d %s\n", ended->shell_code(), ended->output.c_str());
}

class Empty final : public privsep::ConfinedProgram {
 public:
  int run() override { return 4; }
};

void try_confine(const std::string&) {
  privsep::ConfineOptions options;
  options.name = "probe";
  auto process =
      privsep::start_confined(options, [](privsep::Channel) -> Result<std::unique_ptr<privsep::ConfinedProgram>> {
        return std::unique_ptr<privsep::ConfinedProgram>(new Empty);
      });
  if (!process) return tell(fail(process.error()));
  int status = 0;
  // Ask again: the call itself may be the one that fails.
  while (waitpid(process->pid, &status, 0) != process->pid) continue;
  std::printf("ended %d\n", WEXITSTATUS(status));
}

void try_daemon(const std::string&) {
  auto start = os::daemonize();
  if (!start) return tell(fail(start.error()));
  if (!start->ready()) std::_Exit(1);
}

}  // namespace
}  // namespace latchkey

int main(int argc, char** argv) {
  using namespace latchkey;
  const std::map<std::string, std::function<void(const std::string&)>> calls{
      {"append", try_append},
      {"replace", [](const std::string& path) { tell(os::replace_file_atomically(path, "new text\n", 0600)); }},
      {"read", [](const std::string& path) { tell(without_value(os::read_file(path, 1000))); }},
      {"pid_file", try_pid_file},
      {"run", try_run},
      {"confine", try_confine},
      {"daemon", try_daemon},
  };
  if (argc != 3 || !calls.contains(argv[1])) return 64;
  calls.at(argv[1])(argv[2]);
  return 0;
}
