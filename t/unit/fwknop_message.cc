// SPDX-License-Identifier: GPL-2.0-or-later
// From settings to the SPA message: user name, time stamp, NAT, types of messages.
#include "fwknop/message.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace latchkey::fwknop {
namespace {

struct NatCase {
  const char* name;
  const char* access;
  const char* nat_access;
  bool local;
  int port;
  const char* message;     // behind the allow address; nullptr: an error
  const char* nat_string;  // or the error's text
};

TEST(Nat, strings) {
  constexpr const char* error_4 = "\nfwknop: fko_set_nat_access_str: Error 4 - Args contain invalid data";
  for (const NatCase& row : {
           NatCase{"colon", "tcp/22", "192.168.10.1:12345", false, 0, "tcp/22", "192.168.10.1,12345"},
           {"comma", "tcp/22", "192.168.10.1,12345", false, 0, "tcp/22", "192.168.10.1,12345"},
           {"port of -A", "udp/53,tcp/80", "10.0.0.1", false, 0, "udp/53,tcp/80", "10.0.0.1,53"},
           {"name", "tcp/22", "some-host.example.:22", false, 0, "tcp/22", "some-host.example.,22"},
           {"new port", "tcp/22", "1.2.3.4:33", false, 22211, "tcp/22211", "1.2.3.4,33"},
           {"local", "tcp/22", "", true, 0, "tcp/22", "spa.example,22"},
           {"local with port", "tcp/22", "", true, 4000, "tcp/4000", "spa.example,22"},
           {"two commas", "tcp/22", "192,.168.100.100:22", false, 0, nullptr, "[*] Invalid port value in -N arg."},
           {"large port", "tcp/22", "1.2.3.4:65536", false, 0, nullptr, "[*] Invalid port value in -N arg."},
           {"no port", "tcp/22", "1.2.3.4:", false, 0, nullptr, "[*] Invalid port value in -N arg."},
           {"no host", "tcp/22", ":22", false, 0, nullptr, "[*] Invalid NAT destination '' for -N arg."},
           {"dot first", "tcp/22", ".1.1", false, 9, nullptr, "[*] Invalid NAT destination '.1.1' for -N arg."},
           {"no octet", "tcp/22", "300.1.1.1:1", false, 0, nullptr,
            "[*] Invalid NAT destination '300.1.1.1' for -N arg."},
           {"hyphen last", "tcp/22", "a-.b:1", false, 0, nullptr, "[*] Invalid NAT destination 'a-.b' for -N arg."},
           {"dot last", "tcp/22", "a.b.:1", false, 0, "tcp/22", "a.b.,1"},
           {"underscore", "tcp/22", "bad_host:22", false, 0, nullptr,
            "[*] Invalid NAT destination 'bad_host' for -N arg."},
           {"-A port", "tcp/99999", "1.2.3.4:9", false, 22211, nullptr, "[*] Invalid port value '99999' for -A arg."},
       }) {
    Settings settings;
    settings.access = row.access;
    settings.nat_access = row.nat_access;
    settings.nat_local = row.local;
    settings.nat_port = row.port;
    settings.server = "spa.example";
    SeededRng rng(1);
    const auto nat = make_nat(settings, "1.1.1.1", rng);
    ASSERT_EQ(nat.ok(), row.message != nullptr) << row.name;
    if (nat) {
      EXPECT_EQ(nat->access, row.message) << row.name;
      EXPECT_EQ(nat->nat_string, row.nat_string) << row.name;
    } else {
      EXPECT_EQ(nat.error().text, std::string(row.nat_string) + error_4) << row.name;
    }
  }
}

TEST(Nat, needs_one_item_and_a_destination) {
  Settings settings;
  settings.nat_access = "1.2.3.4";
  settings.nat_port = 5;
  SeededRng rng(1);
  settings.access = "tcp";
  EXPECT_EQ(make_nat(settings, "1.1.1.1", rng).error().text, "[*] Expecting <proto>/<port> for -A arg.");
  settings.access = "tcp/1,tcp/2";
  EXPECT_EQ(make_nat(settings, "1.1.1.1", rng).error().text, "[*] NAT for multiple ports/protocols not yet supported.");
  settings.nat_access.clear();
  settings.nat_local = true;
  settings.access = "tcp/1";
  EXPECT_EQ(make_nat(settings, "1.1.1.1", rng).error().text, "Must use --destination unless --test mode is used");
}

TEST(Ports, random_ones_cover_the_whole_range) {
  SeededRng rng(3);
  int least = 65535;
  int most = 0;
  for (int i = 0; i < 200000; ++i) {
    const int port = *random_port(rng);
    least = std::min(least, port);
    most = std::max(most, port);
  }
  EXPECT_EQ(least, 10000);
  EXPECT_EQ(most, 65535);
}

TEST(UserName, first_of_the_sources_that_is_there) {
  Settings settings;
  Environment environment{.user = "u", .account_name = "acct", .uses_system_account = false};
  EXPECT_EQ(*find_user_name(settings, environment), "acct");
  environment.account_name.reset();
  EXPECT_EQ(*find_user_name(settings, environment), "u");
  environment.user.reset();
  EXPECT_EQ(*find_user_name(settings, environment), "NO_USER");
  environment.logname = "log";
  EXPECT_EQ(*find_user_name(settings, environment), "log");
  environment.spoof_user = "spoof";
  EXPECT_EQ(*find_user_name(settings, environment), "spoof");
  settings.spoof_user = "cli";
  environment.spoof_user = "a/b";  // not looked at (D3)
  EXPECT_EQ(*find_user_name(settings, environment), "cli");
}

TEST(UserName, bad_names_and_long_names) {
  Settings settings;
  Environment environment{.spoof_user = "a/b", .uses_system_account = false};
  EXPECT_TRUE(find_user_name(settings, environment).error().text.starts_with("fwknop: fko_new: Error 91 - "));
  environment.spoof_user = "";
  EXPECT_TRUE(find_user_name(settings, environment).error().text.starts_with("fwknop: fko_new: Error 89 - "));
  environment.spoof_user = std::string(63, 'n');
  EXPECT_EQ(*find_user_name(settings, environment), std::string(48, 'n'));
  settings.spoof_user = "=";
  EXPECT_TRUE(find_user_name(settings, environment).error().text.starts_with("fwknop: fko_set_username: Error 90 - "));
}

TEST(Timestamp, offsets) {
  Settings settings;
  settings.set_time_offset(std::chrono::seconds(60), Source::command_line);
  EXPECT_EQ(*make_timestamp(settings, from_epoch_seconds(1000) /* as WallTime */), 1060u);
  settings.set_time_offset(std::chrono::seconds(-2000), Source::command_line);
  EXPECT_EQ(make_timestamp(settings, from_epoch_seconds(1000)).error().text.substr(0, 37),
            "fwknop: fko_set_timestamp: Error 88 -");
}

class Body : public testing::Test {
 protected:
  Body() : null_(std::fopen("/dev/null", "w")), console_(fileno(null_), fileno(null_)) { settings_.access = "tcp/22"; }
  ~Body() override { std::fclose(null_); }
  int type() {
    auto body = make_body(settings_, "1.1.1.1", rng_, console_);
    if (!body) return -1;
    spa::Message message;
    message.body = std::move(*body);
    return static_cast<int>(message.type());
  }

  std::FILE* null_;
  Console console_;
  SeededRng rng_{1};
  Settings settings_;
};

TEST_F(Body, message_types) {
  EXPECT_EQ(type(), 1);
  settings_.fw_timeout_s = 0;
  EXPECT_EQ(type(), 1);
  settings_.fw_timeout_s = 5;
  EXPECT_EQ(type(), 3);
  settings_.nat_access = "10.0.0.1";
  EXPECT_EQ(type(), 4);
  settings_.nat_local = true;
  EXPECT_EQ(type(), 6);
  settings_.fw_timeout_s.reset();
  EXPECT_EQ(type(), 5);
  settings_.nat_local = false;
  EXPECT_EQ(type(), 2);
  settings_.server_command = "ls";  // NAT options mean nothing for it (D27)
  EXPECT_EQ(type(), 0);
}

TEST_F(Body, nat_port_without_nat_changes_nothing) {
  settings_.nat_port = 99;
  const auto body = make_body(settings_, "1.1.1.1", rng_, console_);
  ASSERT_TRUE(body);
  EXPECT_EQ(std::get<spa::Access>(*body).request.text, "1.1.1.1,tcp/22");
}

}  // namespace
}  // namespace latchkey::fwknop
