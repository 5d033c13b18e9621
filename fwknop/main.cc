// SPDX-License-Identifier: GPL-2.0-or-later
// fwknop: the Single Packet Authorization client.
#include <config.h>
#include <sys/prctl.h>

#include <exception>

#include "common/crypto/secret.h"
#include "fwknop/client.h"
#include "fwknop/command_line.h"

namespace latchkey::fwknop {
namespace {

/// What -V and the User-Agent tell: wrappers ask for the version to know what options there are.
constexpr const char* peer_version = "2.6.11";

/// Two keys and what is made of them; locking more costs time.
constexpr std::size_t secure_memory_bytes = 16 * 1024;

/// Keys must not end up in a core file or in another process of the same user: this forbids both.
void forbid_dumps() { ::prctl(PR_SET_DUMPABLE, 0); }

int run(std::span<char* const> argv) {
  forbid_dumps();
  Console console;
  if (const auto ready = crypto::init(secure_memory_bytes); !ready) {
    console.error("fwknop: {}", ready.error().text);
    return 1;
  }
  std::vector<std::string> words(argv.begin(), argv.end());
  blank_key_arguments(argv);
  const Environment environment = Environment::of_process();
  const SystemClock clock;
  SystemRng rng;
  World world{environment, clock, rng, console, peer_version, std::string(peer_version) + "-latchkey-" PACKAGE_VERSION};
  return run_client(std::move(words), world);
}

}  // namespace
}  // namespace latchkey::fwknop

int main(int argc, char** argv) {
  try {
    return latchkey::fwknop::run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {
    latchkey::fwknop::Console().error("fwknop: {}", error.what());
    return 1;
  }
}
