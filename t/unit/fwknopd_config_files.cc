// SPDX-License-Identifier: GPL-2.0-or-later
// fwknopd.conf and access.conf: lines, lists, dates, variables, stanza scope, the configuration check, fwknop 1.9.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/crypto/secret.h"
#include "fwknopd/config/chain_spec.h"
#include "fwknopd/config/conf_table.h"
#include "fwknopd/config/dump.h"
#include "fwknopd/config/entry.h"
#include "fwknopd/config/expiry_date.h"
#include "fwknopd/config/lists.h"
#include "fwknopd/config/load.h"

namespace latchkey::fwknopd {
namespace {

TEST(Entry, lines_of_both_dialects) {
  struct Row {
    std::string_view line;
    Colon colon;
    Entry::Kind kind;
    std::string_view keyword, value;
  };
  using enum Entry::Kind;
  for (const Row& row :
       {Row{"A b", Colon::is_ordinary, assignment, "A", "b"},
        Row{" \tA\t b c \t; d", Colon::is_ordinary, assignment, "A", "b c"},
        Row{"A: b", Colon::is_ordinary, assignment, "A:", "b"}, Row{"A: b", Colon::ends_keyword, assignment, "A", "b"},
        Row{"A:b:c d", Colon::ends_keyword, assignment, "A:b", "d"},
        Row{"A b\r", Colon::ends_keyword, assignment, "A", "b"}, Row{"A", Colon::ends_keyword, invalid, "A", ""},
        Row{"A ;x", Colon::ends_keyword, invalid, "A", ""}, Row{"  # A b", Colon::ends_keyword, nothing, "", ""},
        Row{"\t;A", Colon::ends_keyword, nothing, "", ""}, Row{" \t ", Colon::ends_keyword, nothing, "", ""},
        Row{"", Colon::ends_keyword, nothing, "", ""}}) {
    const Entry entry = parse_entry({.text = row.line, .number = 1}, row.colon);
    EXPECT_EQ(entry.kind, row.kind) << row.line;
    if (row.kind != assignment) continue;
    EXPECT_EQ(entry.keyword, row.keyword) << row.line;
    EXPECT_EQ(entry.value, row.value) << row.line;
  }
}

TEST(Entry, a_line_that_is_too_long_is_invalid_unless_it_is_a_comment) {
  const std::string text = "KEY " + std::string(1100, 'k');
  const Entry entry = parse_entry({.text = text, .is_too_long = true}, Colon::ends_keyword);
  EXPECT_EQ(entry.kind, Entry::Kind::invalid);
  EXPECT_EQ(mask_line({.text = text, .is_too_long = true}, entry), "KEY ***");
  EXPECT_EQ(parse_entry({.text = "# x", .is_too_long = true}, Colon::ends_keyword).kind, Entry::Kind::nothing);
}

TEST(Entry, keys_are_masked_however_they_are_spelt) {
  for (const std::string_view text : {"KEY secret", "KEY: secret", "HMAC_KEY_BASE64\tsecret", "KEY=secret",
                                      "KEY:secret x", "GPG_DECRYPT_PW secret", "key secret", "KEYS secret"}) {
    const config::Line line{.text = text};
    const std::string masked = mask_line(line, parse_entry(line, Colon::ends_keyword));
    EXPECT_EQ(masked.find("secret"), std::string::npos) << masked;
  }
}

TEST(AddressList, matches_what_it_names) {
  const auto list = parse_address_list("10.0.0.0/8, 192.168.1.77/255.255.255.0 ,1.2.3.4 # home");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->contains(0x0a010203));
  EXPECT_TRUE(list->contains(0xc0a80101));
  EXPECT_TRUE(list->contains(0x01020304));
  EXPECT_FALSE(list->contains(0x01020305));
  EXPECT_TRUE(parse_address_list("1.1.1.1,Any")->contains(0));
  EXPECT_TRUE(parse_address_list("0.0.0.0/0")->contains(0xffffffff));
}

TEST(AddressList, refuses_what_is_not_strict) {
  for (const char* text : {"", ",", "1.1.1", "1.1.1.1/", "1.1.1.1/0", "1.1.1.1/33", "1.1.1.1/+8", "010.1.1.1", "::1",
                           "1.1.1.1/0.0.0.0", "1.1.1.1/255.0.255.0", "1.1.1.1 2.2.2.2", "any/8", "1.1.1.1/8/8"})
    EXPECT_FALSE(parse_address_list(text)) << text;
}

TEST(PortSet, is_a_set) {
  const auto ports = parse_port_set("tcp/22,udp/53, TCP/22");
  ASSERT_TRUE(ports);
  EXPECT_EQ(ports->items().size(), 2u);
  EXPECT_TRUE(ports->contains({Protocol::tcp, 22}));
  EXPECT_FALSE(ports->contains({Protocol::udp, 22}));
  for (const char* text :
       {"", "tcp", "tcp/", "tcp/65536", "tcp/-1", "tcp/22-25", "sctp/1", "tcp/22,", "tcp/0x16", "tcp /22"})
    EXPECT_FALSE(parse_port_set(text)) << text;
}

TEST(ExpiryDate, real_days_only) {
  ::setenv("TZ", "UTC", 1);
  EXPECT_EQ(parse_expiry_date("12/31/2030"), 1924905600);
  EXPECT_EQ(parse_expiry_date("1/2/30"), 1893542400);
  EXPECT_EQ(parse_expiry_date("2/29/2032"), 1961625600);
  for (const char* text : {"2/29/2031", "13/1/2030", "0/1/2030", "1/0/2030", "4/31/2030", "1/1/1970", "1/1/203",
                           "1/1/20301", "1/1", "2030-12-31", "1/1/2030x", "+1/1/2030", ""})
    EXPECT_FALSE(parse_expiry_date(text)) << text;
}

TEST(ChainString, both_checks) {
  EXPECT_TRUE(is_chain_string("ACCEPT,filter , INPUT,1,F,0"));
  EXPECT_TRUE(is_chain_string("ACCEPT, src, filter, INPUT, 1, FWKNOP_INPUT, 1"));
  EXPECT_EQ(parse_chain_string("ACCEPT, src, filter, INPUT, 1, FWKNOP_INPUT, 2")->to_chain, "FWKNOP_INPUT");
  for (const char* text : {"", ",,,,,", "A,b,C,1,D", "A,b,C,1,D,1,2", "A,x,b,C,1,D,1", "A,b,IN PUT,1,D,1",
                           "A,b,C,-1,D,1", "A,b,C,1,E-F,1", "A,b,C,1,ABCDEFGHIJKLMNOPQRSTUVWXYZ012,1", "A,\tb,C,1,D,1"})
    EXPECT_FALSE(is_chain_string(text)) << text;
  EXPECT_FALSE(parse_chain_string("A,b,C,65537,D,1"));
  EXPECT_FALSE(parse_chain_string("A,b,C,1,D,x"));
  EXPECT_EQ(*parse_chain_string("A,b,C,0,D,65536"), (ChainSpec{"A", "b", "C", 0, "D", 65536}));
}

// --- whole files --------------------------------------------------------------------------------------------------

class Files : public testing::Test {
 protected:
  Files() {
    // Thousands of small files are written: in memory where that is possible.
    const std::string base = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/" : testing::TempDir();
    std::string pattern = base + "fwknopdXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    line_.config_file = put("c", "");
    put("a", "SOURCE any\nKEY testtest\nHMAC_KEY other\nREQUIRE_SOURCE Y\n");
    log_.add(std::make_unique<log::MemorySink>(lines_));
  }
  ~Files() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    return path;
  }
  std::optional<Configuration> load() {
    line_.values = {{conf_row("ACCESS_FILE"), folder_ + "/a"}};
    Report report(log_, Report::Mode::running);
    return load_configuration(line_, report);
  }
  // "FILE:LINE:COLUMN severity" of everything that the check finds.
  std::vector<std::string> check() {
    line_.values = {{conf_row("ACCESS_FILE"), folder_ + "/a"}};
    Report report(log_, Report::Mode::checking);
    static_cast<void>(load_configuration(line_, report));
    std::vector<std::string> found;
    for (const config::Diagnostic& d : report.diagnostics()) {
      const std::string name = d.place.file ? std::filesystem::path(d.place.file->path).filename().string() : "-";
      found.push_back(name + ":" + std::to_string(d.place.line) + ":" + std::to_string(d.place.column) +
                      (d.severity == config::Severity::error ? " error" : " warning"));
    }
    return found;
  }
  std::string value(const Configuration& configuration, std::string_view keyword) const {
    return configuration.settings.texts[conf_row(keyword)].value_or("<not set>");
  }

  std::string folder_;
  CommandLine line_;
  std::vector<std::string> lines_;
  log::Logger log_;
};

TEST_F(Files, defaults) {
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(configuration->settings.capture.interface, "eth0");
  EXPECT_EQ(configuration->settings.max_packet_age, std::chrono::seconds(120));
  EXPECT_EQ(configuration->settings.firewall.input_chain.to_chain, "FWKNOP_INPUT");
  EXPECT_EQ(configuration->stanzas.at(0).hmac_type, spa::DigestType::sha256);
  EXPECT_EQ(configuration->stanzas.at(0).max_fw_timeout, std::chrono::seconds(300));
  EXPECT_FALSE(configuration->stanzas.at(0).max_fw_timeout_is_set);
}

TEST_F(Files, variables_may_be_set_later_and_chained) {
  put("c",
      "PCAP_FILTER $PCAP_INTF b\nGPG_EXE $SUDO_EXE/x\nSUDO_EXE $FIREWALL_EXE\nPCAP_INTF eth1\nDIGEST_FILE "
      "$LOCALE\nDIGEST_FILE /d\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  EXPECT_EQ(lines_.size(), 2u) << "LOCALE has no value, which the later line for DIGEST_FILE does not excuse";
  EXPECT_EQ(value(*configuration, "PCAP_FILTER"), "eth1 b");
  EXPECT_EQ(value(*configuration, "GPG_EXE"), value(*configuration, "FIREWALL_EXE") + "/x");
  EXPECT_EQ(value(*configuration, "DIGEST_FILE"), "/d");
}

TEST_F(Files, variables_that_name_each_other_stay_unresolved) {
  put("c", "GPG_EXE $SUDO_EXE\nSUDO_EXE $GPG_EXE\n");
  ASSERT_TRUE(load());
  EXPECT_EQ(lines_.size(), 4u);
}

TEST_F(Files, overrides_and_includes_of_the_settings) {
  put("more/x.conf", "PCAP_INTF eth2\n%include y\n");
  put("more/y", "LOCALE C\n");
  put("o", "OVERRIDE_CONFIG /nowhere\nMAX_SPA_PACKET_AGE 7 # seconds\n");
  put("c", "PCAP_INTF eth1\n%include_folder more\nOVERRIDE_CONFIG " + folder_ + "/o\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->settings.capture.interface, "eth2");
  EXPECT_EQ(configuration->settings.locale, "C");
  EXPECT_EQ(configuration->settings.max_packet_age, std::chrono::seconds(7));
  EXPECT_EQ(value(*configuration, "OVERRIDE_CONFIG"), folder_ + "/o");
}

TEST_F(Files, keywords_of_other_firewalls_do_nothing) {
  put("c", "ENABLE_FIREWD_FORWARDING Y\nPF_ANCHOR_NAME x\nIPFW_MAX_RULES 99999999\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  EXPECT_FALSE(configuration->settings.firewall.forwarding);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(Files, the_firewall_is_told_by_its_program) {
  put("c",
      "FIREWALL_EXE /usr/bin/firewall-cmd\nENABLE_FIREWD_FORWARDING Y\nFIREWD_DNAT_ACCESS DNAT, nat, P, 1, MY, 2\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->settings.firewall.kind, FirewallKind::firewalld);
  EXPECT_EQ(configuration->settings.firewall.dnat_chain.to_chain, "MY");
  const std::string dump = dump_settings(configuration->settings);
  EXPECT_NE(dump.find(" 37. FIREWD_INPUT_ACCESS"), std::string::npos);
  EXPECT_EQ(dump.find("IPT_"), std::string::npos);
}

TEST_F(Files, nft_is_refused_where_a_firewall_is_needed) {
  put("c", "\nFIREWALL_EXE /usr/sbin/nft\n");
  EXPECT_FALSE(load());
  ASSERT_FALSE(lines_.empty());
  EXPECT_EQ(lines_.back().find(folder_ + "/c:2:"), 0U) << lines_.back();
  EXPECT_NE(lines_.back().find("use /usr/sbin/iptables"), std::string::npos);
  const auto found = check();
  EXPECT_EQ(std::ranges::count_if(found, [](const auto& line) { return line.starts_with("c:2:"); }), 1);
  put("c", "FIREWALL_EXE /usr/local/sbin/nft-wrapper\n");
  EXPECT_TRUE(load()) << "a program of another name may understand iptables' arguments";
  put("c", "FIREWALL_EXE /usr/sbin/nft\n");
  put("a", "SOURCE ANY\nKEY testtest\nCMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE NONE\n");
  EXPECT_TRUE(load()) << "command cycles need no firewall";
}

TEST_F(Files, a_bad_key_file_drops_its_stanza_and_no_other) {
  put("k", "KEY good\nHMAC_KEY_BASE64 %%\n");
  put("b", "SOURCE 2.2.2.2\nKEY bbb\nREQUIRE_SOURCE Y\n");
  put("a", "SOURCE 1.1.1.1\n%include " + folder_ + "/b\n%include_keys " + folder_ +
               "/k\nKEY late\nSOURCE 3.3.3.3\nKEY c\nREQUIRE_SOURCE Y\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  ASSERT_EQ(configuration->stanzas.size(), 2u);
  EXPECT_EQ(configuration->stanzas[0].source_text, "2.2.2.2");
  EXPECT_EQ(configuration->stanzas[1].source_text, "3.3.3.3");
  EXPECT_EQ(configuration->stanzas[1].number, 2u);
}

// Without this an HMAC key of "=" means no HMAC, and a key of "=" beside GPG the empty key, which everybody has.
TEST_F(Files, a_base64_key_of_nothing_is_an_error) {
  for (const std::string_view nothing : {"=", "====", "A", "A="}) {
    put("a", fmt::format("SOURCE any\nKEY k\nREQUIRE_SOURCE Y\nHMAC_KEY_BASE64 {}\n", nothing));
    EXPECT_FALSE(load()) << nothing;
    put("a", fmt::format("SOURCE any\nKEY_BASE64 {}\nGPG_ALLOW_NO_PW Y\nGPG_REMOTE_ID 6A3FAD56\nREQUIRE_SOURCE Y\n",
                         nothing));
    EXPECT_FALSE(load()) << nothing;
    put("k", fmt::format("KEY a\nHMAC_KEY_BASE64 {}\n", nothing));
    put("a", "SOURCE 1.1.1.1\nREQUIRE_SOURCE Y\n%include_keys " + folder_ + "/k\n" +
                 "SOURCE any\nKEY c\nREQUIRE_SOURCE Y\n");
    const auto configuration = load();
    ASSERT_TRUE(configuration);
    EXPECT_EQ(configuration->stanzas.size(), 1u) << "the stanza with the key file is dropped";
  }
}

TEST_F(Files, a_command_user_keeps_his_own_group) {
  put("a",
      "SOURCE any\nKEY k\nREQUIRE_SOURCE Y\nCMD_EXEC_USER nobody\nCMD_EXEC_GROUP root\nCMD_SUDO_EXEC_USER daemon\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  const Stanza& stanza = configuration->stanzas.at(0);
  EXPECT_NE(stanza.cmd_exec.gid, 0u);
  EXPECT_NE(stanza.cmd_exec.gid, stanza.cmd_sudo_exec.gid);
}

TEST_F(Files, fwknop_1_9_is_understood) {
  put("c", "IPT_INPUT_ACCESS ACCEPT, src, filter, INPUT, 1, FWKNOP_INPUT, 1;\n");
  put("a",
      "SOURCE: ANY;\nKEY: oldkey;\nFW_ACCESS_TIMEOUT: 60;\nENABLE_FORWARD_ACCESS: N;\nPERMIT_CLIENT_PORTS: "
      "N;\nDATA_COLLECT_MODE: PCAP;\n"
      "REQUIRE_SOURCE_ADDRESS: Y;\n");
  const auto configuration = load();
  ASSERT_TRUE(configuration);
  const Stanza& stanza = configuration->stanzas.at(0);
  EXPECT_EQ(stanza.key->text(), "oldkey");
  ASSERT_TRUE(stanza.open_ports);
  EXPECT_TRUE(stanza.open_ports->items().empty()) << "no port is opened, as in 1.9";
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_NE(lines_[0].find("'DATA_COLLECT_MODE' in " + folder_ + "/a at line 6 (fwknop 1.9:"), std::string::npos)
      << lines_[0];
  EXPECT_NE(lines_[1].find("PERMIT_CLIENT_PORTS"), std::string::npos);
}

TEST_F(Files, the_check_says_that_a_stanza_of_1_9_opens_nothing) {
  const std::string stanza = "SOURCE: ANY;\nKEY: k;\nHMAC_KEY h;\nREQUIRE_SOURCE Y;\n";
  put("a", stanza);
  EXPECT_TRUE(check().empty());
  put("a", stanza + "PERMIT_CLIENT_PORTS: N;\n");
  EXPECT_EQ(check(), std::vector<std::string>{"a:1:1 warning"});
}

TEST_F(Files, no_key_gets_into_the_log) {
  put("c", "VERBOSE 4\n");
  put("a", "SOURCE any\nKEY: secret1\nHMAC_KEY secret2\nREQUIRE_SOURCE Y\nGPG_DECRYPT_PW secret3\nKEY:secret4\n");
  log_.set_threshold(log::Level::debug);
  EXPECT_FALSE(load());
  EXPECT_GT(lines_.size(), 5u);
  for (const std::string& line : lines_) EXPECT_EQ(line.find("secret"), std::string::npos) << line;
}

TEST_F(Files, the_check_finds_every_problem_with_its_place) {
  put("x", "SOURCE 300.1.1.1\nKEY a\nHMAC_KEY b\nREQUIRE_SOURCE Y\n");
  put("c", "BAD\nMAX_SNIFF_BYTES 12x\n  FOO bar\nIPT_INPUT_ACCESS x\n");
  put("a", "SOURCE any\nKEY __CHANGEME__\nFOO\nOPEN_PORTS tcp\n%include " + folder_ + "/x\n%include /nowhere\n");
  EXPECT_EQ(check(), (std::vector<std::string>{"c:1:1 warning", "c:3:3 warning", "c:4:18 error", "c:2:17 error",
                                               "a:2:5 error", "a:3:1 error", "a:6:10 error", "a:4:12 error",
                                               "x:1:8 error", "a:1:1 warning", "a:1:1 warning"}));
}

TEST_F(Files, the_check_warns_of_weak_settings) {
  put("a", "SOURCE any\nKEY one\nREQUIRE_SOURCE Y\nSOURCE 1.1.1.1\nKEY one\nHMAC_KEY {{ hmac }}\nREQUIRE_SOURCE Y\n");
  ::chmod((folder_ + "/a").c_str(), 0644);
  EXPECT_EQ(check(), (std::vector<std::string>{"a:0:0 warning", "a:6:10 warning", "a:1:1 warning", "a:4:1 warning"}));
}

TEST_F(Files, a_reload_is_all_or_nothing_and_keeps_relative_paths) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  line_.config_file = "c";
  line_.values = {{conf_row("ACCESS_FILE"), "a"}};
  const Reloader reloader(line_, log_);
  std::filesystem::current_path("/");
  EXPECT_TRUE(reloader.load());
  EXPECT_EQ(std::filesystem::current_path(), "/");
  put("a", "SOURCE any\n");
  EXPECT_FALSE(reloader.load());
  std::filesystem::current_path(before);
}

// Each bit flipped, each prefix cut: the reading ends, and the check calls good exactly what starts.
TEST_F(Files, mutated_files_are_judged_alike_by_start_and_check) {
  const std::string access =
      "SOURCE: 10.0.0.0/8, any;\nKEY_BASE64 YWFhYQ==\nHMAC_KEY h\nOPEN_PORTS tcp/22\nACCESS_EXPIRE "
      "1/2/30\n%include_keys " +
      folder_ + "/k\nFORCE_NAT 1.2.3.4 5\nCMD_CYCLE_OPEN a\nCMD_CYCLE_CLOSE NONE\n";
  put("c", "ENABLE_IPT_FORWARDING Y\n");
  put("k", "GPG_DECRYPT_ID x\n");
  const auto judge = [&](const std::string& text) {
    put("a", text);
    Report checking(log_, Report::Mode::checking);
    const bool starts = load().has_value();
    const bool is_good = load_configuration(line_, checking).has_value() && !checking.has_errors();
    ASSERT_EQ(starts, is_good) << text;
  };
  judge(access);
  for (std::size_t i = 0; i < access.size(); ++i) {
    judge(access.substr(0, i));
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string mutated = access;
      mutated[i] = static_cast<char>(static_cast<unsigned char>(mutated[i]) ^ 1u << bit);
      judge(mutated);
    }
  }
}

TEST_F(Files, includes_that_multiply_come_to_an_end) {
  std::string many;
  for (int i = 0; i < 400; ++i) many += "%include " + folder_ + "/f\n";
  put("a", many);
  put("f", many);
  EXPECT_FALSE(load());
}

}  // namespace
}  // namespace latchkey::fwknopd
