// SPDX-License-Identifier: GPL-2.0-or-later
// A sensor that has been taken over obtains nothing from fwknopd's monitor, and cannot crash it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/os/files.h"
#include "common/privsep/coverage.h"
#include "common/privsep/log_channel.h"
#include "common/spa/types.h"
#include "fwknopd/daemon.h"
#include "fwknopd/gpg_messages.h"
#include "fwknopd/log_texts.h"
#include "fwknopd/pipeline.h"
#include "fwknopd/requests.h"
#include "t/lib/hostile_sensor.h"

namespace latchkey::fwknopd {
namespace {

constexpr std::uint32_t inside = 0x0a000005;   // 10.0.0.5, in SOURCE 10.0.0.0/8
constexpr std::uint32_t outside = 0xc0000207;  // 192.0.2.7

/// Notes every call, and remembers rules well enough to answer -C and -D.
constexpr std::string_view iptables_double = R"sh(echo "$@" >> $folder/calls
touch $folder/rules
key=filter
while [ $# -gt 0 ]; do
  case $1 in
    -t) key=$2; shift 2 ;;
    -[ADIC]) action=$1; key="$key $2"; shift 2; case $1 in [0-9]*) shift ;; esac ;;
    *) rest="$rest $1"; shift ;;
  esac
done
case $action in
  -A | -I) echo "$key$rest" >> $folder/rules ;;
  -C) grep -qxF "$key$rest" $folder/rules ;;
  -D) grep -qxF "$key$rest" $folder/rules && { grep -vxF "$key$rest" $folder/rules > $folder/left; mv $folder/left $folder/rules; } ;;
esac
)sh";

std::uint16_t number(MessageType type) { return static_cast<std::uint16_t>(type); }

/// Stanza 0: tcp/22 for 10.0.0.0/8. Stanza 1: a command cycle. Neither allows commands or NAT.
std::vector<Stanza> stanzas() {
  std::vector<Stanza> all(2);
  for (unsigned i = 0; i < all.size(); ++i) {
    all[i].number = i + 1;
    all[i].source_text = "10.0.0.0/8";
    all[i].source = AddressList({{0x0a000000, 0xff000000}});
    all[i].open_ports = PortSet({{Protocol::tcp, 22}});
    all[i].open_ports_text = "tcp/22";
    all[i].key = crypto::SecretBytes::copy_of("a key");
  }
  all[1].cycle = CommandCycle{"/bin/echo open $IP", "/bin/echo close $IP", std::chrono::seconds(1)};
  return all;
}

AccessRequest good_access() {
  AccessRequest request;
  request.packet_source = net::IpAddress::v4(inside);
  request.packet_destination = net::IpAddress::v4(0x0a000001);
  request.allowed = net::IpAddress::v4(inside);
  request.services = {{Protocol::tcp, 22}};
  return request;
}

ReplayEntry good_entry() {
  ReplayEntry entry;
  entry.protocol = 17;
  entry.source = inside;
  entry.time_s = 1700000000;
  return entry;
}

CycleRequest good_cycle() {
  CycleRequest request;
  request.access = good_access();
  request.access.stanza = 1;
  request.timestamp_s = 1700000000;
  return request;
}

/// The kernel's queue: writes down what it is told.
class QueueDouble final : public net::PacketQueue {
 public:
  explicit QueueDouble(std::string path) : path_(std::move(path)) {}
  int fd() const override { return 0; }
  Result<void> read(const std::function<void(const net::QueuedPacket&)>&) override { return {}; }
  void decide(std::uint32_t id, bool is_dropped) override {
    std::ofstream(path_, std::ios::app) << id << (is_dropped ? " drop\n" : " accept\n");
  }

 private:
  std::string path_;
};

struct Outcome {
  int status = 0;
  std::string log;
  std::string firewall;  ///< every call of the firewall program, one a line
};

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    char name[] = "/tmp/latchkey-hostile-XXXXXX";
    folder_ = mkdtemp(name);
    const std::string script = "#!/bin/sh\nfolder=" + folder_ + "\n" + std::string(iptables_double);
    EXPECT_TRUE(os::create_file(folder_ + "/iptables", script, 0755));
  }
  ~HostileTest() override { std::filesystem::remove_all(folder_); }

  DaemonOptions options(log::Logger& log, std::vector<Bytes> datagrams) const {
    DaemonOptions options{.configuration = {},
                          .reload = {},
                          .log = log,
                          .start = {},
                          .sandbox = {.user = "nobody"},
                          .on_new_settings = {},
                          .make_sensor = {},
                          .open_queue = {}};
    Settings& settings = options.configuration.settings;
    settings.foreground = true;
    settings.run_dir = folder_;
    settings.digest_file = folder_ + "/digest.cache";
    settings.firewall.exe = folder_ + "/iptables";
    settings.firewall.comment_check = false;
    settings.firewall.input_chain = {"ACCEPT", "filter", "INPUT", 1, "FWKNOP_INPUT", 1};
    settings.firewall.output_chain = {"ACCEPT", "filter", "OUTPUT", 1, "FWKNOP_OUTPUT", 1};
    settings.firewall.forward_chain = {"ACCEPT", "filter", "FORWARD", 1, "FWKNOP_FORWARD", 1};
    settings.firewall.dnat_chain = {"DNAT", "nat", "PREROUTING", 1, "FWKNOP_PREROUTING", 1};
    settings.firewall.snat_chain = {"SNAT", "nat", "POSTROUTING", 1, "FWKNOP_POSTROUTING", 1};
    settings.firewall.masquerade_chain = {"MASQUERADE", "nat", "POSTROUTING", 1, "FWKNOP_MASQUERADE", 1};
    options.configuration.stanzas = stanzas();
    options.make_sensor = [datagrams](privsep::Channel channel, const Configuration&, ReplayCache&,
                                      net::PacketQueue*) -> Result<std::unique_ptr<privsep::ConfinedProgram>> {
      return std::unique_ptr<privsep::ConfinedProgram>(new test::HostileSensor(std::move(channel), datagrams));
    };
    if (!has_queue_) return options;
    settings.capture.mode = CaptureMode::nfqueue;
    options.open_queue = [this](std::uint16_t, std::vector<std::string>&) -> Result<std::unique_ptr<net::PacketQueue>> {
      return std::unique_ptr<net::PacketQueue>(std::make_unique<QueueDouble>(folder_ + "/verdicts"));
    };
    return options;
  }

  /// Runs a whole daemon whose sensor sends `datagrams`; the last one must make it end.
  Outcome run(const std::vector<Bytes>& datagrams) const {
    for (const char* file : {"/calls", "/rules", "/log", "/fwknopd.state", "/digest.cache", "/verdicts"})
      unlink((folder_ + file).c_str());
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(30);
      const Fd file(open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
      log::Logger log(log::Level::info);
      log.add(std::make_unique<log::StreamSink>(file.get()));
      const int status = run_daemon(options(log, datagrams));
      privsep::write_coverage();
      _exit(status);
    }
    Outcome outcome;
    waitpid(pid, &outcome.status, 0);
    outcome.log = os::read_file(folder_ + "/log", 1 << 20).value_or("");
    outcome.firewall = os::read_file(folder_ + "/calls", 1 << 20).value_or("");
    return outcome;
  }

  static Bytes message(MessageType type, ByteView payload = {}) { return test::encode_frame(number(type), payload); }
  static Bytes the_end() { return message(MessageType::limit_reached); }

  /// The daemon noticed, said so and ended.
  static void expect_end(const Outcome& outcome, const std::string& name) {
    EXPECT_TRUE(WIFEXITED(outcome.status)) << name << ": killed by signal " << WTERMSIG(outcome.status);
    EXPECT_EQ(WEXITSTATUS(outcome.status), 1) << name;
    EXPECT_NE(outcome.log.find(text::sensor_bad_message), std::string::npos) << name << '\n' << outcome.log;
  }
  static bool mentions_client(const std::string& calls) {
    return calls.find("10.0.0.5") != std::string::npos || calls.find("192.0.2.7") != std::string::npos ||
           calls.find("-s 0.0.0.0") != std::string::npos;
  }

  std::string folder_;
  bool has_queue_ = false;
};

TEST_F(HostileTest, the_double_works_a_good_request_is_granted) {
  const Outcome outcome = run({message(MessageType::ready), message(MessageType::remember, encode(good_entry())),
                               message(MessageType::access, encode(good_access())), the_end()});
  EXPECT_EQ(outcome.status, 0) << outcome.log;
  EXPECT_TRUE(mentions_client(outcome.firewall)) << outcome.log << outcome.firewall;
}

TEST_F(HostileTest, broken_frames_end_the_daemon) {
  for (const auto& [name, bytes] : test::broken_frames(number(MessageType::access), encode(good_access()))) {
    const Outcome outcome =
        run({message(MessageType::ready), bytes, message(MessageType::access, encode(good_access()))});
    expect_end(outcome, name);
    EXPECT_FALSE(mentions_client(outcome.firewall)) << name << ": what follows is not served";
  }
}

TEST_F(HostileTest, unknown_and_mis_sized_messages_end_the_daemon) {
  struct Row {
    const char* name;
    Bytes bytes;
  };
  const Bytes access = encode(good_access());
  const Row rows[] = {
      {"type 0", test::encode_frame(0, {})},
      {"type 99", test::encode_frame(99, access)},
      {"type 65535", test::encode_frame(65535, access)},
      {"an answer, which only the monitor sends", message(MessageType::answer, Bytes(1))},
      {"empty access", message(MessageType::access)},
      {"access cut", message(MessageType::access, ByteView(access).first(access.size() - 1))},
      {"access as command", message(MessageType::command, access)},
      {"access as cycle", message(MessageType::cycle, access)},
      {"access as digest", message(MessageType::remember, access)},
      {"empty digest", message(MessageType::remember)},
      {"empty gpg request", message(MessageType::gpg)},
      {"gpg for a stanza without it", message(MessageType::gpg, encode(GpgRequest{1, 0, Bytes(100)}))},
      {"gpg for no stanza", message(MessageType::gpg, encode(GpgRequest{1, 2, Bytes(100)}))},
      {"a gpg answer, which only the monitor sends", message(MessageType::gpg_answer, encode(GpgAnswer{}))},
      {"ready with a payload", message(MessageType::ready, Bytes(1))},
      {"a packet limit with a payload", message(MessageType::limit_reached, Bytes(1))},
      {"an interface that is down with a payload", message(MessageType::interface_down, Bytes(1))},
      {"a failure with a payload", message(MessageType::capture_failed, Bytes(1))},
      {"a verdict, where there is no queue", message(MessageType::verdict, encode(QueueVerdict{1, false}))},
      {"64 KiB of nothing", message(MessageType::access, Bytes(privsep::max_payload_bytes))},
      {"64 KiB command", message(MessageType::command, Bytes(privsep::max_payload_bytes, std::byte{'x'}))},
      {"log without a level", message(MessageType::log)},
      {"log with a false level", message(MessageType::log, Bytes(2, std::byte{1}))},
      {"log with an escape sequence", message(MessageType::log, Bytes{std::byte{4}, std::byte{0x1b}, std::byte{'['}})},
      {"log beyond its limit", message(MessageType::log, Bytes(privsep::max_log_text_bytes + 2, std::byte{4}))},
      {"print with an escape sequence", message(MessageType::print, Bytes{std::byte{0x1b}, std::byte{'['}})},
      {"print with a control byte of ISO 6429", message(MessageType::print, Bytes{std::byte{0x9b}, std::byte{'J'}})},
      {"print with a carriage return", message(MessageType::print, Bytes{std::byte{'x'}, std::byte{'\r'}})},
      {"print with a NUL", message(MessageType::print, Bytes(1))},
      {"print beyond its limit", message(MessageType::print, Bytes(privsep::max_log_text_bytes + 1, std::byte{'x'}))},
  };
  for (const Row& row : rows) {
    const Outcome outcome = run({message(MessageType::ready), row.bytes});
    expect_end(outcome, row.name);
    EXPECT_FALSE(mentions_client(outcome.firewall)) << row.name;
  }
}

TEST_F(HostileTest, verdicts_say_drop_or_accept_and_nothing_else) {
  has_queue_ = true;
  const Outcome good = run({message(MessageType::ready), message(MessageType::verdict, encode(QueueVerdict{7, true})),
                            message(MessageType::verdict, encode(QueueVerdict{0xffffffff, false})), the_end()});
  EXPECT_EQ(good.status, 0) << good.log;
  EXPECT_EQ(os::read_file(folder_ + "/verdicts", 1000).value_or(""), "7 drop\n4294967295 accept\n");
  const Bytes verdict = encode(QueueVerdict{7, true});
  Bytes repeat = verdict, longer = verdict;
  repeat.back() = std::byte{4};  // NF_REPEAT
  longer.push_back(std::byte{0});
  for (const Bytes& payload : {Bytes{}, Bytes(verdict.begin(), verdict.end() - 1), repeat, longer}) {
    const Outcome outcome = run({message(MessageType::ready), message(MessageType::verdict, payload)});
    expect_end(outcome, format_hex(payload));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/verdicts")) << format_hex(payload);
    EXPECT_NE(outcome.firewall.find("-t mangle -X FWKNOP_NFQ"), std::string::npos) << "the rules go at the end";
  }
}

TEST_F(HostileTest, the_longest_hex_dump_may_be_printed) {
  Bytes payload(spa::limit::most_payload, std::byte{0x1b});
  const std::string dump = "[+] candidate SPA packet payload:\n" + format_hex_dump(payload);
  const std::string full(privsep::max_log_text_bytes, '\t');
  const Outcome outcome = run({message(MessageType::ready), message(MessageType::print, as_bytes(dump)),
                               message(MessageType::print, as_bytes(full)), the_end()});
  EXPECT_EQ(outcome.status, 0) << outcome.log;
}

TEST_F(HostileTest, what_no_stanza_allows_is_refused) {
  struct Row {
    const char* name;
    std::function<void(AccessRequest&)> change;
  };
  const Row rows[] = {
      {"a stanza that does not exist", [](AccessRequest& request) { request.stanza = 2; }},
      {"stanza -1", [](AccessRequest& request) { request.stanza = 0xffffffff; }},
      {"a source outside SOURCE",
       [](AccessRequest& request) { request.packet_source = request.allowed = net::IpAddress::v4(outside); }},
      {"a port that is not open",
       [](AccessRequest& request) {
         request.services = {{Protocol::tcp, 23}};
       }},
      {"one port of two",
       [](AccessRequest& request) {
         request.services.push_back({Protocol::udp, 22});
       }},
      {"no port", [](AccessRequest& request) { request.services.clear(); }},
      {"NAT",
       [](AccessRequest& request) {
         request.kind = RequestKind::forward_nat;
         request.nat = NatTarget{"192.0.2.7", 22};
       }},
      {"a NAT target for plain access",
       [](AccessRequest& request) {
         request.nat = NatTarget{"192.0.2.7", 22};
       }},
      {"everybody", [](AccessRequest& request) { request.allowed = net::IpAddress::v4(0); }},
      {"the stanza of the command cycle", [](AccessRequest& request) { request.stanza = 1; }},
  };
  for (const Row& row : rows) {
    AccessRequest request = good_access();
    row.change(request);
    const Outcome outcome =
        run({message(MessageType::ready), message(MessageType::access, encode(request)), the_end()});
    EXPECT_TRUE(WIFEXITED(outcome.status)) << row.name;
    EXPECT_FALSE(mentions_client(outcome.firewall)) << row.name << '\n' << outcome.firewall;
  }
}

TEST_F(HostileTest, no_command_runs_that_no_stanza_allows) {
  const std::string proof = folder_ + "/proof";
  for (const std::uint32_t stanza : {0u, 1u, 2u, 0xffffffffu}) {
    CommandRequest request;
    request.stanza = stanza;
    request.packet_source = request.allowed = net::IpAddress::v4(inside);
    request.command = "touch " + proof;
    const Outcome outcome =
        run({message(MessageType::ready), message(MessageType::command, encode(request)), the_end()});
    EXPECT_TRUE(WIFEXITED(outcome.status)) << stanza;
    EXPECT_FALSE(std::filesystem::exists(proof)) << stanza;
    EXPECT_EQ(outcome.log.find("Running command"), std::string::npos) << outcome.log;
  }
}

TEST_F(HostileTest, a_cycle_of_a_stanza_without_one_is_refused) {
  for (const std::uint32_t stanza : {0u, 2u}) {
    CycleRequest request = good_cycle();
    request.access.stanza = stanza;
    const Outcome outcome = run({message(MessageType::ready), message(MessageType::cycle, encode(request)), the_end()});
    EXPECT_TRUE(WIFEXITED(outcome.status)) << stanza;
    EXPECT_EQ(outcome.log.find("CMD_CYCLE_OPEN"), std::string::npos) << outcome.log;
  }
  CycleRequest request = good_cycle();
  request.access.allowed = net::IpAddress::v4(0);
  const Outcome outcome = run({message(MessageType::ready), message(MessageType::cycle, encode(request)), the_end()});
  EXPECT_EQ(outcome.log.find("CMD_CYCLE_OPEN"), std::string::npos) << outcome.log;
}

TEST_F(HostileTest, a_flood_of_refused_requests_ends_by_itself) {
  AccessRequest request = good_access();
  request.services = {{Protocol::tcp, 23}};
  std::vector<Bytes> datagrams(3000, message(MessageType::access, encode(request)));
  datagrams.insert(datagrams.begin(), message(MessageType::ready));
  datagrams.push_back(the_end());
  const Outcome outcome = run(datagrams);
  EXPECT_EQ(outcome.status, 0) << outcome.log.substr(0, 2000);
  EXPECT_FALSE(mentions_client(outcome.firewall));
}

/// A mutated request decodes to exactly one meaning or to none: what is decoded encodes to the same bytes again.
template <class Decode>
void expect_canonical(const Bytes& payload, Decode decode) {
  test::for_each_mutation(payload, [&](ByteView mutated) {
    const auto decoded = decode(mutated);
    EXPECT_TRUE(!decoded || std::ranges::equal(encode(*decoded), mutated)) << format_hex(mutated);
  });
}

TEST(HostileRequests, have_one_meaning_or_none) {
  AccessRequest access = good_access();
  expect_canonical(encode(access), decode_access_request);
  access.kind = RequestKind::local_nat;
  access.nat = NatTarget{"host.example", 22};
  expect_canonical(encode(access), decode_access_request);
  expect_canonical(encode(good_cycle()), decode_cycle_request);
  expect_canonical(encode(good_entry()), decode_replay_entry);
  expect_canonical(encode(QueueVerdict{7, false}), decode_queue_verdict);
  CommandRequest command;
  command.command = "ls -l";
  expect_canonical(encode(command), decode_command_request);
}

}  // namespace
}  // namespace latchkey::fwknopd
