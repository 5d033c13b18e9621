// SPDX-License-Identifier: GPL-2.0-or-later
// The pipeline, with packets of our own and a host that writes down what it is asked: the lines and decisions of
// spec/fwknopd-runtime.md 2, without network, time or root.
#include "fwknopd/pipeline.h"

#include <gtest/gtest.h>

#include "common/crypto/aes256.h"
#include "common/crypto/base64.h"
#include "common/spa/payload.h"
#include "common/spa/seal.h"
#include "common/spa/validate.h"
#include "fwknop/transport.h"
#include "fwknopd/gpg_desk.h"
#include "fwknopd/log_texts.h"

namespace latchkey::fwknopd {
namespace {

using Lines = std::vector<std::string>;
constexpr std::int64_t now_s = 1795216400;
const std::string received = "(stanza #1) SPA Packet from IP: 10.0.0.2 received with access source match";
const std::string start = "[10.0.0.2] (stanza #1) ";

/// Writes everything down; refuses when told to.
class RecordingHost final : public PipelineHost {
 public:
  bool remember(const ReplayEntry&) override {
    asked.emplace_back("remember");
    return !disk_is_full;
  }
  bool submit(const AccessRequest& request) override {
    access = request;
    return note("access");
  }
  bool submit(const CommandRequest& request) override { return note("command " + request.command); }
  bool submit(const CycleRequest& request) override {
    return note("cycle of stanza " + std::to_string(request.access.stanza));
  }
  void start_gpg(const GpgRequest&) override { asked.emplace_back("gpg"); }
  void print(std::string_view text) override { printed += text; }

  bool note(std::string what) {
    asked.push_back(std::move(what));
    return !refuses;
  }
  bool disk_is_full = false;
  bool refuses = false;
  Lines asked;
  AccessRequest access;
  std::string printed;
};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() : clock_(from_epoch_seconds(now_s)) {
    log_.add(std::make_unique<log::MemorySink>(lines_));
    add_stanza();
  }

  Stanza& add_stanza(std::string_view key = "cipher key", std::string_view hmac_key = "hmac key") {
    Stanza stanza;
    stanza.number = static_cast<unsigned>(stanzas_.size()) + 1;
    stanza.source = AddressList({{0, 0}});
    stanza.key = crypto::SecretBytes::copy_of(key);
    stanza.hmac_key = crypto::SecretBytes::copy_of(hmac_key);
    stanza.hmac_type = spa::DigestType::sha256;
    stanzas_.push_back(std::move(stanza));
    return stanzas_.back();
  }

  static spa::Message message(std::string_view text = "10.0.0.9,tcp/22") {
    return {.random_value = "1234567890123456",
            .username = "alice",
            .timestamp_s = now_s,
            .body = spa::Access{spa::parse_access(text, spa::Side::sender).value()}};
  }
  static spa::Message command(std::string_view text) {
    spa::Message made = message();
    made.body = spa::Command{spa::parse_command("10.0.0.9," + std::string(text), spa::Side::sender).value()};
    return made;
  }
  static spa::Message nat(std::string_view target) {
    spa::Message made = message();
    made.body = spa::NatAccess{spa::parse_access("10.0.0.9,tcp/22", spa::Side::sender).value(),
                               spa::parse_nat(target, spa::Side::sender).value()};
    return made;
  }
  std::string seal(const spa::Message& message, std::string_view key = "cipher key") {
    return spa::seal(message, as_bytes(key), as_bytes("hmac key"), {.hmac_type = spa::DigestType::sha256}, rng_)
        .value()
        .wire;
  }

  void process(const std::string& payload) {
    if (!pipeline_) {
      pipeline_ = std::make_unique<Pipeline>(PipelineContext{settings_, stanzas_, cache_, log_, clock_, host_});
    }
    lines_.clear();
    host_.asked.clear();
    SpaPacket packet;
    packet.payload = as_bytes(payload);
    packet.source = net::IpAddress::v4(0x0a000002);
    packet.destination = packet.shown_destination = net::IpAddress::v4(0x0a000001);
    packet.source_port = 40000;
    packet.destination_port = 62201;
    pipeline_->process(packet);
  }

  const Lines granted_{"remember", "access"};
  const Lines only_remembered_{"remember"};
  Settings settings_;
  std::vector<Stanza> stanzas_;
  ReplayCache cache_;
  Lines lines_;
  log::Logger log_;
  ManualClock clock_;
  RecordingHost host_;
  SeededRng rng_{7};
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, a_valid_packet_is_remembered_before_access_is_asked_for) {
  process(seal(message("10.0.0.9,tcp/22,udp/53")));
  EXPECT_EQ(lines_, Lines{received});
  EXPECT_EQ(host_.asked, granted_);
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "10.0.0.9");
  EXPECT_EQ(host_.access.services.size(), 2U);
  EXPECT_EQ(host_.access.client_timeout_s, 0U);
}

TEST_F(PipelineTest, a_second_copy_is_a_replay) {
  const std::string packet = seal(message());
  process(packet);
  process(packet);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(
      lines_[0].starts_with("Replay detected from source IP: 10.0.0.2, Destination proto/port: 17/62201, Original "
                            "source IP: 10.0.0.2, Original dst proto/port: 17/62201, Entry created: "));
  EXPECT_TRUE(host_.asked.empty());
}

// The last block of a plaintext of whole blocks is nothing but padding, which receivers do not insist on.
TEST_F(PipelineTest, without_hmac_a_message_counts_once_however_it_is_written) {
  stanzas_[0].hmac_key.reset();
  stanzas_[0].hmac_type = spa::DigestType::none;
  stanzas_[0].open_ports = PortSet({{Protocol::tcp, 443}});
  add_stanza().hmac_key.reset();  // the packet opens here, too: that is no second message
  stanzas_[1].hmac_type = spa::DigestType::none;
  const auto seal_plainly = [&](std::string_view user) {
    spa::Message made = message();
    made.username = user;
    return spa::seal(made, as_bytes(std::string_view("cipher key")), {}, {.hmac_type = spa::DigestType::none}, rng_)
        .value();
  };
  std::string user = "alice";
  while ((seal_plainly(user).encoded.size() + 1 + seal_plainly(user).digest.size()) % crypto::aes_block_bytes != 0)
    user += 'x';
  const std::string packet = seal_plainly(user).wire;
  auto raw = crypto::decode_base64_lenient(std::string(spa::rijndael_prefix) + packet).value();
  raw.resize(raw.size() - crypto::aes_block_bytes);
  const std::string shorter = crypto::encode_base64(raw).substr(spa::rijndael_prefix.size());

  process(packet);
  EXPECT_EQ(host_.asked, (Lines{"remember", "remember", "access"}));
  process(shorter);
  EXPECT_TRUE(lines_.at(1).starts_with("Replay detected from source IP: 10.0.0.2")) << lines_.at(1);
  EXPECT_TRUE(host_.asked.empty());
  process(seal_plainly("bob").wire);
  EXPECT_EQ(host_.asked, (Lines{"remember", "remember", "access"}));
}

TEST_F(PipelineTest, a_denied_packet_is_a_replay_the_second_time) {
  stanzas_[0].open_ports = PortSet({{Protocol::tcp, 443}});
  const std::string packet = seal(message());
  process(packet);
  EXPECT_EQ(lines_, (Lines{received, start + "One or more requested protocol/ports was denied per access.conf."}));
  EXPECT_EQ(host_.asked, only_remembered_);
  process(packet);
  EXPECT_TRUE(lines_[0].starts_with("Replay detected"));
}

TEST_F(PipelineTest, no_access_where_the_digest_cannot_be_kept) {
  host_.disk_is_full = true;
  process(seal(message()));
  EXPECT_EQ(lines_, (Lines{received, start + "Could not add digest to replay cache"}));
  EXPECT_EQ(host_.asked, only_remembered_);
}

TEST_F(PipelineTest, junk_is_refused_without_a_line_and_never_remembered) {
  for (const std::string& junk : {std::string(139, 'A'), std::string(139, 'A') + ":", "U2FsdGVkX1" + seal(message()),
                                  "hQ" + std::string(500, 'A'), std::string(1501, 'A'), std::string()}) {
    process(junk);
    EXPECT_TRUE(lines_.empty()) << junk;
  }
  process(std::string(140, 'A'));
  EXPECT_EQ(lines_, (Lines{received, "(stanza #1) Non-corresponding HMAC for this stanza"}));
  process(std::string(450, 'A'));
  EXPECT_EQ(lines_, (Lines{received, start + "No stanza encryption mode match for encryption type: 2."}));
  process(std::string(1500, 'A'));
  EXPECT_EQ(lines_, Lines{"Error initializing FKO context from SPA data: Args contain invalid data: "
                          "FKO_ERROR_INVALID_DATA_FUNCS_NEW_MSGLEN_VALIDFAIL"});
  EXPECT_TRUE(host_.asked.empty());
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(PipelineTest, every_flipped_bit_of_a_packet_is_refused) {
  const std::string packet = seal(message());
  process(packet);  // the line limit counts by the clock, which stands still: the rest may be silent
  for (std::size_t i = 0; i < packet.size(); ++i) {
    std::string damaged = packet;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    process(damaged);
    EXPECT_TRUE(host_.asked.empty()) << i;
  }
}

TEST_F(PipelineTest, the_next_stanza_is_tried_until_one_accepts) {
  stanzas_.clear();
  add_stanza("other", "other hmac");
  add_stanza();
  add_stanza();
  process(seal(message()));
  EXPECT_EQ(lines_, (Lines{received, "(stanza #1) Non-corresponding HMAC for this stanza",
                           "(stanza #2) SPA Packet from IP: 10.0.0.2 received with access source match"}));
  EXPECT_EQ(host_.asked, granted_);
  EXPECT_EQ(host_.access.stanza, 1U);
}

TEST_F(PipelineTest, a_refusal_of_the_monitor_leads_to_the_next_stanza) {
  add_stanza();
  host_.refuses = true;
  process(seal(message()));
  EXPECT_EQ(host_.asked, (Lines{"remember", "access", "access"}));
}

TEST_F(PipelineTest, sources_without_stanza_are_told_of_once) {
  stanzas_[0].source = AddressList({{0xc0a80000, 0xffff0000}});
  process(seal(message()));
  EXPECT_EQ(lines_, Lines{"No access data found for source IP: 10.0.0.2"});
}

TEST_F(PipelineTest, an_expired_stanza_says_so_the_first_time) {
  stanzas_[0].expires_at_s = now_s - 1;
  process(seal(message()));
  EXPECT_EQ(lines_, (Lines{received, start + "Access stanza has expired"}));
  process(seal(message()));
  EXPECT_EQ(lines_, Lines{received});
  EXPECT_TRUE(host_.asked.empty());
}

TEST_F(PipelineTest, age_is_judged_in_both_directions) {
  const std::pair<std::int64_t, bool> rows[] = {{120, true}, {121, false}, {-120, true}, {-121, false}};
  for (const auto& [age, is_taken] : rows) {
    spa::Message made = message();
    made.timestamp_s = static_cast<decltype(made.timestamp_s)>(now_s - age);
    process(seal(made));
    EXPECT_EQ(host_.asked == granted_, is_taken) << age;
    if (!is_taken) {
      EXPECT_EQ(lines_.back(), start + "SPA data time difference is too great (121 seconds).");
    }
  }
  settings_.packet_aging = false;
  spa::Message old = message();
  old.timestamp_s = 1;
  process(seal(old));
  EXPECT_EQ(host_.asked, granted_);
}

TEST_F(PipelineTest, user_and_address_can_be_required) {
  stanzas_[0].require_username = "bob";
  process(seal(message()));
  EXPECT_EQ(lines_.back(), start + "Username in SPA data (alice) does not match required username: bob");
  stanzas_[0].require_username.reset();
  process(seal(message("0.0.0.0,tcp/22")));
  EXPECT_EQ(host_.asked, granted_);
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "10.0.0.2") << "the packet's source";
  stanzas_[0].require_source_address = true;
  process(seal(message("0.0.0.0,tcp/22")));
  EXPECT_EQ(lines_.back(), start + "Got 0.0.0.0 when valid source IP was required.");
}

TEST_F(PipelineTest, an_empty_list_of_ports_opens_nothing) {
  stanzas_.front().open_ports = PortSet();  // PERMIT_CLIENT_PORTS N of fwknop 1.9, without OPEN_PORTS
  process(seal(message()));
  EXPECT_EQ(host_.asked, only_remembered_);
  EXPECT_EQ(lines_.back(), fmt::format(text::ports_denied, "10.0.0.2", 1));
}

TEST_F(PipelineTest, nat_needs_its_option) {
  process(seal(nat("192.168.1.2,22")));
  EXPECT_EQ(lines_.back(), "(stanza #1) SPA packet from 10.0.0.2 requested NAT access, but is not enabled/supported");
  settings_.firewall.forwarding = true;
  process(seal(nat("inner.example,22")));
  EXPECT_EQ(host_.asked, granted_);
  EXPECT_EQ(host_.access.nat, (NatTarget{"inner.example", 22}));
  EXPECT_EQ(host_.access.kind, RequestKind::forward_nat);
}

TEST_F(PipelineTest, commands_need_their_option) {
  process(seal(command("touch /f")));
  EXPECT_EQ(lines_.back(), start + "SPA Command messages are not allowed in the current configuration.");
  stanzas_[0].enable_cmd_exec = true;
  process(seal(command("touch /g")));
  EXPECT_EQ(host_.asked, (Lines{"remember", "command touch /g"}));
}

TEST_F(PipelineTest, a_command_at_a_cycle_has_no_ports) {
  stanzas_[0].cycle = CommandCycle{"open", "close", std::chrono::seconds(3)};
  process(seal(command("/bin/echo hi")));
  EXPECT_EQ(lines_, (Lines{received, "[*] Invalid protocol in access port entry: /bin/echo hi",
                           start + "Could not build CMD_CYCLE_OPEN command."}));
  process(seal(command("no slash")));
  EXPECT_EQ(lines_[1], "[*] Parse error on access port entry: no slash");
  process(seal(command("tcp/99999")));
  EXPECT_EQ(lines_[1], "[*] Invalid port 'tcp/99999' in access request, must be in [0,65535]");
  process(seal(message()));
  EXPECT_EQ(host_.asked, (Lines{"remember", "cycle of stanza 0"}));
}

TEST_F(PipelineTest, a_cycle_keeps_to_the_ports_of_its_stanza) {
  stanzas_[0].cycle = CommandCycle{"open", "close", std::chrono::seconds(3)};
  stanzas_[0].restrict_ports = PortSet({{Protocol::tcp, 22}});
  process(seal(message()));
  EXPECT_EQ(host_.asked, only_remembered_);
  EXPECT_EQ(lines_.back(), start + "One or more requested protocol/ports was denied per access.conf.");
  process(seal(message("10.0.0.9,tcp/23")));
  EXPECT_EQ(host_.asked, (Lines{"remember", "cycle of stanza 0"}));
}

TEST_F(PipelineTest, a_test_run_neither_acts_nor_remembers) {
  settings_.test_mode = true;
  const std::string packet = seal(message());
  for (int i = 0; i < 2; ++i) {
    process(packet);
    EXPECT_EQ(lines_, (Lines{received, start + "--test mode enabled, skipping firewall manipulation."}));
    EXPECT_TRUE(host_.asked.empty());
  }
}

TEST_F(PipelineTest, spa_over_http_grants_what_the_proxy_says_only_for_an_open_message) {
  settings_.spa_over_http = settings_.x_forwarded_for = true;
  const auto request = [&](const std::string& wire, const std::string& header) {
    fwknop::Settings client;
    client.user_agent = "Fwknop/2.6.11";
    const std::string text = fwknop::http_request(client, wire, "");
    return text.substr(0, text.size() - 2) + header + "\r\n";
  };
  process(request(seal(message("0.0.0.0,tcp/22")), "X-Forwarded-For: 1.2.3.4\r\n"));
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "1.2.3.4");
  process(request(seal(message()), "X-Forwarded-For: 1.2.3.4\r\n"));
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "10.0.0.9");
  process(request(seal(message("0.0.0.0,tcp/22")), "X-Forwarded-For: ::1\r\n"));
  EXPECT_EQ(lines_[0], "Error parsing X-Forwarded-For header: value '::1' is not an IP address");
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "10.0.0.2") << "rules are IPv4";
  process(request(seal(message("0.0.0.0,tcp/22")), "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n"));
  EXPECT_EQ(lines_[0], "Error parsing X-Forwarded-For header: value '1.2.3.4,' is not an IP address");
  EXPECT_EQ(net::format_ip_address(host_.access.allowed), "10.0.0.2");
}

TEST_F(PipelineTest, lines_about_strangers_have_a_limit_and_authentic_packets_are_always_told_of) {
  for (int i = 0; i < 1000; ++i) process(std::string(140, 'A'));
  EXPECT_TRUE(lines_.empty());
  process(seal(message()));
  EXPECT_EQ(lines_, Lines{received});
  EXPECT_EQ(host_.asked, granted_);
  clock_.advance(std::chrono::seconds(2));
  process(std::string(140, 'A'));
  ASSERT_EQ(lines_.size(), 3U);
  EXPECT_TRUE(lines_[0].ends_with(" more suppressed"));
}

// A message as gpg writes it: a session key for RSA 2048, then encrypted data. Nobody looks further before gpg does.
std::string gpg_packet() {
  Bytes message(3 + 268 + 3 + 100, std::byte{7});
  const auto headers = std::to_array<std::uint8_t>({0x85, 0x01, 0x0c, 0x03});
  std::ranges::transform(headers, message.begin(), [](std::uint8_t octet) { return std::byte{octet}; });
  message[3 + 268] = std::byte{0xd2};
  return crypto::encode_base64(message).substr(spa::gpg_prefix.size());
}

class GpgPipelineTest : public PipelineTest {
 protected:
  GpgPipelineTest() {
    Stanza& stanza = stanzas_[0];
    stanza.key.reset();
    stanza.hmac_key.reset();
    stanza.hmac_type = spa::DigestType::none;
    stanza.gpg.is_used = stanza.gpg.require_signature = true;
  }

  /// A packet, and the answer that gpg decrypted it and that the key signed it. Is access asked for?
  bool opens(const std::string& primary = {}) {
    cache_ = {};
    process(gpg_packet());
    EXPECT_EQ(host_.asked, Lines{"gpg"});
    GpgAnswer answer{.id = ++request_, .stage = GpgAnswer::Stage::decrypted, .primary_fingerprint = primary};
    const std::string encoded = spa::encode(message()).value();
    answer.decrypted.plaintext =
        crypto::SecretBytes::copy_of(encoded + ':' + spa::internal_digest(spa::DigestType::sha256, encoded));
    answer.decrypted.signatures = {{.fingerprint = fingerprint_, .validity = 4, .is_verified = true}};
    pipeline_->finish_gpg(std::move(answer));
    return host_.asked.back() == "access";
  }

  const std::string fingerprint_ = "00CC95F05BC146B6AC4038C9E36F443C6A3FAD56";
  std::uint64_t request_ = 0;
};

TEST_F(GpgPipelineTest, a_signer_is_named_by_an_id_of_8_16_or_40_digits) {
  struct Row {
    std::string id;
    bool is_allowed;
  };
  for (const Row& row : {Row{"6A3FAD56", true}, Row{"0x6a3fad56", true}, Row{"E36F443C6A3FAD56", true},
                         Row{fingerprint_, true}, Row{"6", false}, Row{"56", false}, Row{"A3FAD56", false},
                         Row{"C6A3FAD56", false}, Row{"6A3FAD57", false}, Row{"", false}, Row{"0x", false}}) {
    stanzas_[0].gpg.remote_ids = {row.id};
    EXPECT_EQ(opens(), row.is_allowed) << row.id;
  }
}

TEST_F(GpgPipelineTest, a_required_fingerprint_is_a_whole_one) {
  struct Row {
    std::string id;
    bool is_allowed;
  };
  for (const Row& row : {Row{fingerprint_, true}, Row{"0x" + fingerprint_, true}, Row{"6A3FAD56", false},
                         Row{"E36F443C6A3FAD56", false}, Row{fingerprint_.substr(1), false}}) {
    stanzas_[0].gpg.fingerprint_ids = {row.id};
    EXPECT_EQ(opens(), row.is_allowed) << row.id;
  }
}

TEST_F(GpgPipelineTest, a_subkey_signs_for_its_primary_key) {
  const std::string primary = "1111111111111111111111111111111122222222";
  stanzas_[0].gpg.remote_ids = {"22222222"};
  stanzas_[0].gpg.fingerprint_ids = {primary};
  EXPECT_TRUE(opens(primary));
  EXPECT_FALSE(opens());
}

TEST_F(GpgPipelineTest, what_is_no_gpg_message_starts_no_gpg) {
  Bytes noise(400, std::byte{7});
  process(crypto::encode_base64(noise).substr(spa::gpg_prefix.size()));
  EXPECT_TRUE(host_.asked.empty());
  ASSERT_EQ(lines_.size(), 3U);
  EXPECT_TRUE(lines_[2].ends_with("No data")) << lines_[2];
}

TEST_F(GpgPipelineTest, no_more_packets_wait_for_gpg_than_its_queue_holds) {
  for (std::size_t i = 0; i < GpgDesk::most_waiting; ++i) {
    process(gpg_packet());
    ASSERT_EQ(host_.asked, Lines{"gpg"}) << i;
  }
  process(gpg_packet());
  EXPECT_TRUE(host_.asked.empty());
  EXPECT_TRUE(lines_.back().ends_with("Too many packets wait for gpg")) << lines_.back();
}

// The type rule is part of the contract (2.1): the length says GPG, whatever key would open it.
TEST_F(PipelineTest, a_rijndael_packet_as_long_as_a_gpg_message_is_refused) {
  std::string ports = "10.0.0.9";
  for (int i = 0; i < 24; ++i) ports += ",tcp/40000";
  const std::string packet = seal(message(ports));
  ASSERT_GE(packet.size(), spa::limit::gpg_text);
  process(packet);
  EXPECT_EQ(host_.asked, Lines{});
  EXPECT_EQ(lines_.back(), start + "No stanza encryption mode match for encryption type: 2.");
  stanzas_[0].enable_cmd_exec = true;  // commands are long
  process(packet);
  EXPECT_EQ(host_.asked, granted_);
}

TEST(HexDump, has_the_peers_layout) {
  EXPECT_EQ(format_hex_dump(as_bytes("0123456789abcdef\x01z")),
            " \n"
            "  0x0000:  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef\n"
            "  0x0010:  01 7a                                             .z\n"
            "\n");
}

}  // namespace
}  // namespace latchkey::fwknopd
