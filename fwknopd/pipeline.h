// SPDX-License-Identifier: GPL-2.0-or-later
// Pipeline: what becomes of one payload (spec/fwknopd-runtime.md 2). Knows no network, file or firewall.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/log/rate_limit.h"
#include "common/net/address.h"
#include "common/spa/open.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"
#include "fwknopd/gpg_messages.h"
#include "fwknopd/replay_cache.h"
#include "fwknopd/requests.h"
#include "fwknopd/source_index.h"

namespace latchkey::fwknopd {

/// A payload and the outer facts of the packet that carried it.
struct SpaPacket {
  ByteView payload;
  net::IpAddress source;
  net::IpAddress destination;        ///< the real local address
  net::IpAddress shown_destination;  ///< for `$DST` and the replay cache: 0.0.0.0 in UDP server mode
  std::uint8_t protocol = 17;        ///< 6, 17, 1
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

/// What the pipeline asks of the world. In the sensor these are messages to the monitor and the GPG helper.
class PipelineHost {
 public:
  virtual ~PipelineHost() = default;
  /// Keeps a digest for good. False: it could not be written, access must not be given.
  virtual bool remember(const ReplayEntry& entry) = 0;
  /// False: refused, the next stanza is tried.
  virtual bool submit(const AccessRequest& request) = 0;
  virtual bool submit(const CommandRequest& request) = 0;
  virtual bool submit(const CycleRequest& request) = 0;
  /// Has a message decrypted; the answer comes back through Pipeline::finish_gpg, later or never. Other packets are
  /// processed meanwhile.
  virtual void start_gpg(const GpgRequest& request) = 0;
  /// Text for standard output.
  virtual void print(std::string_view text) = 0;
};

/// Everything given outlives the pipeline. `cache` is compared with, and added to when the host has remembered.
struct PipelineContext {
  const Settings& settings;
  const std::vector<Stanza>& stanzas;
  ReplayCache& cache;
  log::Logger& log;
  const Clock& clock;
  PipelineHost& host;
};

class Pipeline {
 public:
  explicit Pipeline(const PipelineContext& context);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Stage A and B. Asks the host for at most one grant or command.
  void process(const SpaPacket& packet);
  /// The rest of stage B for a packet that waited for gpg. An answer that nobody waits for is ignored.
  void finish_gpg(GpgAnswer answer);

 private:
  struct StanzaState;
  struct Attempt;
  struct GpgOutcome;
  enum class Verdict { next, stop, wait };

  /// A line about a packet that nobody has authenticated: at most some hundred a second. False: it was suppressed.
  template <class... T>
  bool tell_of_stranger(log::Level level, fmt::format_string<T...> format, const T&... values);

  // stage A
  /// Stanzas that the source may match, ascending; with debug lines all stanzas, because each miss has its line.
  std::span<const std::uint32_t> candidates(const net::IpAddress& source);
  std::optional<net::IpAddress> forwarded_address(const std::optional<std::string>& header);
  void dump_payload(ByteView payload);
  /// True: seen before, or not to be judged.
  bool is_replay(const SpaPacket& packet, const ReplayDigest& digest);

  // stage B, in the order of the steps
  void try_stanzas(std::unique_ptr<Attempt> attempt);
  bool is_in_question(Attempt& attempt, std::size_t index);
  Verdict try_stanza(Attempt& attempt, std::size_t index);
  std::optional<spa::Opened> open(Attempt& attempt, std::size_t index);
  /// nullopt: the packet waits for gpg.
  std::optional<GpgOutcome> open_gpg(Attempt& attempt, std::size_t index);
  GpgOutcome judge_gpg(const Attempt& attempt, const Stanza& stanza, const GpgAnswer& answer);
  bool tell_of_gpg_failure(const Attempt& attempt, const Stanza& stanza, const GpgOutcome& outcome);
  void tell_of_failure(const Attempt& attempt, const Stanza& stanza, spa::EncryptionType guess,
                       std::optional<spa::Code> failure);
  bool is_known_message(const Attempt& attempt, const spa::Opened& opened);
  bool remember(Attempt& attempt, const Stanza& stanza, const spa::Opened& opened);
  bool keep(const Attempt& attempt, const ReplayDigest& digest);
  void debug_fields(const Attempt& attempt, const Stanza& stanza, const spa::Opened& opened);
  bool signer_is_allowed(const Attempt& attempt, const Stanza& stanza);
  bool message_is_acceptable(Attempt& attempt, const Stanza& stanza, const spa::Message& message);
  static AccessRequest request_for(const Attempt& attempt, std::size_t index, const spa::Message& message);
  std::optional<std::vector<Service>> services_in_command(std::string_view command);
  Verdict act(const Attempt& attempt, std::size_t index, const spa::Message& message);
  Verdict act_on_cycle(const Attempt& attempt, std::size_t index, const spa::Message& message);
  Verdict act_on_command(const Attempt& attempt, std::size_t index, const std::string& command);

  PipelineContext context_;
  std::vector<std::unique_ptr<StanzaState>> states_;
  SourceIndex sources_;
  std::vector<std::uint32_t> every_stanza_;
  log::RateLimit stranger_lines_;
  std::map<std::uint64_t, std::unique_ptr<Attempt>> waiting_;  ///< for gpg, by the id of the request
  std::uint64_t next_gpg_id_ = 1;
};

/// The peers' layout: 16 bytes a line, hexadecimal and printable, a line with one blank before and an empty one after.
std::string format_hex_dump(ByteView bytes);

}  // namespace latchkey::fwknopd
