// SPDX-License-Identifier: GPL-2.0-or-later
// The client's option table, what wins over what, and the checks across options.
#include "fwknop/options.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "common/base/text.h"
#include "common/crypto/secret.h"
#include "fwknop/address_resolution.h"
#include "fwknop/checks.h"
#include "fwknop/command_line.h"
#include "fwknop/keys.h"
#include "fwknop/rc_directives.h"

namespace latchkey::fwknop {
namespace {

class Options : public testing::Test {
 protected:
  Options() : null_(std::fopen("/dev/null", "w")), console_(fileno(null_), fileno(null_)) {
    EXPECT_TRUE(crypto::init());
  }
  ~Options() override { std::fclose(null_); }
  void rc(std::string_view name, std::string_view value, Source source = Source::default_section) {
    EXPECT_TRUE(find_rc_directive(name)->set(settings_, value, source)) << name;
  }
  void command_line(const std::vector<std::string>& words) {
    std::vector<std::string> all{"fwknop"};
    all.insert(all.end(), words.begin(), words.end());
    const CommandLine line(std::move(all));
    EXPECT_EQ(apply_options(line, "1", settings_, console_), std::nullopt);
  }
  /// "resolve", an address, or the error.
  std::string allowed() {
    settings_.server = "s";
    const auto checked = check_settings(settings_, true, "1", console_);
    if (!checked) return checked.error().text;
    return settings_.resolves_address ? "resolve" : settings_.allow_address;
  }

  std::FILE* null_;
  Console console_;
  Settings settings_;
};

TEST(OptionTable, is_consistent) {
  const auto rows = option_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NO_THROW(saved_directives(rows[i])) << rows[i].text.name;
    EXPECT_EQ(rows[i].set == nullptr, !rows[i].text.same_as.empty()) << rows[i].text.name;
    bool has_target = rows[i].text.same_as.empty();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (k != i) {
        EXPECT_NE(rows[i].text.name, rows[k].text.name);
      }
      if (k != i && rows[i].text.letter != 0) {
        EXPECT_NE(rows[i].text.letter, rows[k].text.letter);
      }
      if (rows[k].text.name == rows[i].text.same_as) has_target = rows[k].text.argument == rows[i].text.argument;
    }
    EXPECT_TRUE(has_target) << rows[i].text.name;
  }
}

TEST(OptionTable, usage_names_every_option_in_80_columns) {
  const std::string usage = usage_text("9.9");
  EXPECT_TRUE(usage.starts_with("\nfwknop client version 9.9\n"));
  for (const std::string_view line : split(usage, '\n')) EXPECT_LE(line.size(), 80u) << line;
  for (const OptionRow& row : option_rows()) {
    if (row.group == OptionGroup::legacy) continue;
    EXPECT_NE(usage.find("--" + std::string(row.text.name)), std::string::npos) << row.text.name;
  }
}

TEST_F(Options, spellings_of_fwknop_1_9) {
  command_line({"--Forward-access", "10.0.0.1,22", "--Server-port=99", "--Destination", "h", "--NAT-local"});
  EXPECT_EQ(settings_.nat_access, "10.0.0.1,22");
  EXPECT_EQ(settings_.server_port, 99);
  EXPECT_EQ(settings_.server, "h");
  EXPECT_TRUE(settings_.nat_local);
}

TEST_F(Options, later_source_of_the_allow_address_wins) {
  rc("ALLOW_IP", "3.3.3.3");
  command_line({"-R"});
  EXPECT_EQ(allowed(), "resolve");
}
TEST_F(Options, named_resolve_replaces_a_default_address) {
  rc("ALLOW_IP", "3.3.3.3");
  rc("ALLOW_IP", "resolve", Source::named_section);
  EXPECT_EQ(allowed(), "resolve");
}
TEST_F(Options, named_address_replaces_default_resolve) {
  rc("RESOLVE_IP_HTTPS", "Y");
  rc("ALLOW_IP", "3.3.3.3", Source::named_section);
  EXPECT_EQ(allowed(), "3.3.3.3");
}
TEST_F(Options, address_beats_resolve_of_one_source) {
  command_line({"-a", "1.1.1.1", "-R"});
  EXPECT_EQ(allowed(), "1.1.1.1");
}
TEST_F(Options, resolve_before_an_address_of_the_command_line) {
  command_line({"-R", "-s"});
  EXPECT_EQ(allowed(), "0.0.0.0");
  EXPECT_EQ(find_rc_directive("RESOLVE_IP_HTTPS")->format(settings_), "N");
}
TEST_F(Options, resolve_as_an_address) {
  command_line({"-a", "Resolve", "-T"});
  EXPECT_EQ(allowed(), "resolve");
}
TEST_F(Options, overlong_address_is_not_cut) {
  command_line({"-a", "255.255.255.2551"});
  EXPECT_EQ(allowed(), "Invalid allow IP specified for SPA access");
}
TEST_F(Options, resolve_url_switches_resolution_on) {
  rc("RESOLVE_URL", "https://x");
  EXPECT_EQ(allowed(), "resolve");
}
TEST_F(Options, long_host_names) {
  command_line({"-a", "1.1.1.1"});
  settings_.server = std::string(253, 'h');
  EXPECT_TRUE(check_settings(settings_, true, "1", console_));
  settings_.server += 'h';
  EXPECT_FALSE(check_settings(settings_, true, "1", console_));
}

TEST_F(Options, time_offset_of_the_command_line_wins) {
  rc("TIME_OFFSET", "-60");
  command_line({"--time-offset-plus", "5"});
  EXPECT_EQ(settings_.time_offset.count(), 5);
  command_line({"--time-offset-minus", "2h", "--time-offset-plus", "1m"});
  EXPECT_EQ(settings_.time_offset.count(), -7200);
}

TEST_F(Options, verbose_option_wins_over_the_directive) {
  rc("VERBOSE", "N");
  command_line({"-v", "-v"});
  EXPECT_EQ(settings_.verbosity(), 2);
}

TEST_F(Options, timeout_above_what_servers_take) {
  Settings settings;
  for (const OptionRow& row : option_rows()) {
    if (row.text.name != "fw-timeout") continue;
    EXPECT_TRUE(row.set(settings, "65536"));
    EXPECT_EQ(row.set(settings, "65537").error().text, "--fw-timeout must be within [0-65536]");
    EXPECT_EQ(row.set(settings, "-2").error().text, "--fw-timeout must be within [0-65536]");
  }
}

std::string length_error(std::size_t size) { return std::to_string(size); }

TEST_F(Options, most_recent_inline_key_wins) {
  rc("KEY", "text");
  command_line({"--key-base64-rijndael", "Y2xp"});
  EXPECT_EQ((*inline_key(settings_.key, length_error, 1, 127))->text(), "cli");
  command_line({"--key-rijndael", "again"});
  EXPECT_EQ((*inline_key(settings_.key, length_error, 1, 127))->text(), "again");
}

TEST_F(Options, hmac_key_file_directive_names_an_hmac_key_and_switches_nothing_on) {
  rc("HMAC_KEY_FILE", "/nowhere");
  EXPECT_EQ(settings_.hmac_key.file, "/nowhere");
  EXPECT_EQ(settings_.key.file, "");
  EXPECT_FALSE(settings_.use_hmac);
}

TEST_F(Options, key_lengths) {
  settings_.key.base64 = SecretBytes::copy_of(std::string(400, 'A'));
  EXPECT_EQ(inline_key(settings_.key, length_error, 1, 127).error().text, "135");
  settings_.hmac_key.text = SecretBytes::copy_of(std::string(137, 'h'));
  settings_.key.base64 = SecretBytes::copy_of("QUFB");
  settings_.use_hmac = true;
  EXPECT_EQ(acquire_keys(settings_, console_).error().text, "[*] Invalid HMAC key length: '137', must be in [0,128]");
}

TEST_F(Options, key_arguments_disappear_from_the_process_list) {
  std::vector<std::string> words{"fwknop", "--key-rijndael", "secret1",         "--key-hmac=secret2",
                                 "-D",     "host",           "--key-base64-hm", "c2Vj"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  blank_key_arguments(argv);
  EXPECT_EQ(words[2], std::string(7, '\0'));
  EXPECT_EQ(words[3], "--key-hmac=" + std::string(7, '\0'));
  EXPECT_EQ(words[5], "host");
  EXPECT_EQ(words[7], std::string(4, '\0'));
}

TEST(OwnAddress, in_a_page) {
  EXPECT_EQ(address_in_page(" 5.6.7.8\n"), "5.6.7.8");
  EXPECT_EQ(address_in_page("1.2.3.4abc"), "1.2.3.4");
  EXPECT_TRUE(is_only_address("\t1.2.3.4 \r\n"));
  EXPECT_FALSE(is_only_address("1.2.3.4abc"));
  for (const char* page : {"", "<html>", "256.1.1.1", "1.2.3", "1.2.3.4.5", "010.1.1.1", "::1"})
    EXPECT_EQ(address_in_page(page), std::nullopt) << page;
}

TEST(OwnAddress, wget_words) {
  Settings settings;
  settings.wget_command = " /bin/wget  -4 ";
  settings.user_agent = "a b";
  EXPECT_EQ(wget_words(settings, "https://x"),
            (std::vector<std::string>{"/bin/wget", "-4", "-U", "a b", "--secure-protocol=auto", "--quiet", "-O", "-",
                                      "https://x"}));
}

}  // namespace
}  // namespace latchkey::fwknop
