// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd's pipeline, from the payload to the verdict, and its replay cache.
#include <array>
#include <memory>

#include "bench/cases.h"
#include "bench/spa_inputs.h"
#include "common/base/clock.h"
#include "common/log/logger.h"
#include "fwknopd/pipeline.h"
#include "fwknopd/replay_cache.h"

namespace latchkey::bench {
namespace {

using namespace fwknopd;

/// Says yes to everything.
class Yes final : public PipelineHost {
 public:
  bool remember(const ReplayEntry&) override { return true; }
  bool submit(const AccessRequest&) override { return true; }
  bool submit(const CommandRequest&) override { return true; }
  bool submit(const CycleRequest&) override { return true; }
  void start_gpg(const GpgRequest&) override {}
  void print(std::string_view) override {}
};

class Nowhere final : public log::Sink {
 public:
  void write(log::Level, std::string_view) override {}
};

ReplayEntry entry(std::uint64_t number) {
  ReplayEntry one{.protocol = 17, .time_s = packet_time_s};
  // A digest is as good as random; these only differ.
  for (std::size_t i = 0; i < 8; ++i)
    one.digest[i] = static_cast<std::byte>(number * 0x9e3779b97f4a7c15U >> 8 * i & 0xff);
  return one;
}

enum class Sources { any, each_its_own };

AddressList source_of(Sources sources, unsigned number) {
  if (sources == Sources::any) return AddressList({{.network = 0, .mask = 0}});
  return AddressList({{.network = 0x0a000000 + number, .mask = 0xffffffff}});
}

/// A pipeline and all that it refers to.
struct Bed {
  explicit Bed(unsigned stanza_count, Sources sources, std::size_t digests) : clock(from_epoch_seconds(packet_time_s)) {
    for (unsigned number = 1; number <= stanza_count; ++number) {
      Stanza stanza;
      stanza.number = number;
      stanza.source = source_of(sources, number);
      stanza.key = crypto::SecretBytes::copy_of(cipher_key(number));
      stanza.hmac_key = crypto::SecretBytes::copy_of(hmac_key(number));
      stanza.hmac_type = spa::DigestType::sha256;
      stanzas.push_back(std::move(stanza));
    }
    for (std::size_t i = 0; i < digests; ++i) cache.add(entry(i));
    log.add(std::make_unique<Nowhere>());
    pipeline = std::make_unique<Pipeline>(PipelineContext{settings, stanzas, cache, log, clock, host});
  }

  Settings settings;
  std::vector<Stanza> stanzas;
  ReplayCache cache;
  log::Logger log;
  ManualClock clock;
  Yes host;
  std::unique_ptr<Pipeline> pipeline;
};

/// A packet in good form that no stanza made, from the source of the last stanza.
Work refuse(unsigned stanza_count, Sources sources, std::size_t digests = 0) {
  auto bed = std::make_shared<Bed>(stanza_count, sources, digests);
  return [bed, wire = seal_for(stanza_count + 1).wire, source = net::IpAddress::v4(0x0a000000 + stanza_count)] {
    bed->pipeline->process({.payload = as_bytes(wire), .source = source});
  };
}

/// The packet is new every time: another access request, sealed before the clock runs.
Work accept() {
  auto bed = std::make_shared<Bed>(1, Sources::any, 0);
  bed->settings.test_mode = true;  // does not remember, so that the same packet passes again
  return [bed, wire = seal_for(1).wire] {
    bed->pipeline->process({.payload = as_bytes(wire), .source = net::IpAddress::v4(0x0a000001)});
  };
}

Work find_digest(std::size_t count) {
  auto cache = std::make_shared<ReplayCache>();
  for (std::size_t i = 0; i < count; ++i) cache->add(entry(i));
  return [cache, count, next = std::uint64_t{0}]() mutable {
    next = (next + 7919) % (2 * count);  // every second one is there
    keep(cache->find(entry(next).digest));
  };
}

Work add_digest() {
  auto cache = std::make_shared<ReplayCache>();
  return [cache, next = std::uint64_t{0}]() mutable { keep(cache->add(entry(next++))); };
}

constexpr auto cases = std::to_array<Case>({
    {"pipeline/not_base64",
     [] {
       auto bed = std::make_shared<Bed>(1, Sources::any, 0);
       return Work([bed, text = std::string(200, '!')] {
         bed->pipeline->process({.payload = as_bytes(text), .source = net::IpAddress::v4(0x0a000001)});
       });
     }},
    {"pipeline/refuse/1_stanza", [] { return refuse(1, Sources::any); }},
    {"pipeline/refuse/1000_stanzas", [] { return refuse(1000, Sources::any); }},
    {"pipeline/refuse/1000_sources", [] { return refuse(1000, Sources::each_its_own); }},
    {"pipeline/refuse/100000_digests", [] { return refuse(1, Sources::any, 100000); }},
    {"pipeline/accept", accept},
    {"replay/find/1000", [] { return find_digest(1000); }},
    {"replay/find/1000000", [] { return find_digest(1000000); }},
    {"replay/add", add_digest},
});

}  // namespace

std::span<const Case> fwknopd_cases() { return cases; }

}  // namespace latchkey::bench
