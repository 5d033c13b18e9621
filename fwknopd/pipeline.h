// SPDX-License-Identifier: GPL-2.0-or-later
// Pipeline: what becomes of one payload (spec/fwknopd-runtime.md 2). Knows no network, file or firewall.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/log/rate_limit.h"
#include "common/net/address.h"
#include "common/spa/dump.h"
#include "common/spa/open.h"
#include "fwknopd/config/settings.h"
#include "fwknopd/config/stanza.h"
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

/// A message that GnuPG decrypted, or why it did not.
struct GpgOutcome {
  /// Where it failed; each place has its own log line (2.2 B6).
  enum class Stage { opened, before_decryption, exe, home, decryption };
  Stage stage = Stage::before_decryption;
  spa::Code code = spa::Code::success;
  std::string detail;  ///< path for `exe` and `home`, GPGME's text for `decryption`
  std::optional<spa::Opened> opened;
  std::optional<spa::GpgDump> dump;
  std::string signer_id;                         ///< as the log shows it
  std::string signer_fingerprint;                ///< of the key that signed
  std::vector<std::string> signer_fingerprints;  ///< all that name the signer: subkey and primary key
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
  /// HMAC check (with `keys`) and decryption for a stanza.
  virtual GpgOutcome open_gpg(const Stanza& stanza, const spa::IncomingPacket& packet, const spa::PacketKeys& keys) = 0;
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

 private:
  struct StanzaState;
  struct Attempt;
  enum class Verdict { next, stop };

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
  Verdict try_stanza(Attempt& attempt, std::size_t index);
  std::optional<spa::Opened> open(Attempt& attempt, std::size_t index);
  bool tell_of_gpg_failure(const Attempt& attempt, const Stanza& stanza, const GpgOutcome& outcome);
  void tell_of_failure(const Attempt& attempt, const Stanza& stanza, spa::EncryptionType guess,
                       std::optional<spa::Code> failure);
  bool remember(Attempt& attempt, const Stanza& stanza);
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
};

/// The peers' layout: 16 bytes a line, hexadecimal and printable, a line with one blank before and an empty one after.
std::string format_hex_dump(ByteView bytes);

}  // namespace latchkey::fwknopd
