// SPDX-License-Identifier: GPL-2.0-or-later
// The HTTP form of a packet, and what -T prints for each transport without opening a socket.
#include "fwknop/transport.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace latchkey::fwknop {
namespace {

TEST(HttpForm, to_the_server) {
  Settings settings;
  settings.server = "spa.example";
  settings.user_agent = "Fwknop/9";
  EXPECT_EQ(
      http_request(settings, "a+b/c", ""),
      "GET /a-b_c HTTP/1.1\r\nUser-Agent: Fwknop/9\r\nAccept: */*\r\nHost: spa.example\r\nConnection: close\r\n\r\n");
  settings.server = "2001:db8::1";
  EXPECT_NE(http_request(settings, "a", "").find("Host: [2001:db8::1]\r\n"), std::string::npos);
}

TEST(HttpForm, through_a_proxy) {
  Settings settings;
  settings.server = "spa.example";
  const std::string request = http_request(settings, "abc", "proxy");
  EXPECT_TRUE(request.starts_with("GET http://spa.example/abc HTTP/1.1\r\n"));
  EXPECT_NE(request.find("Host: proxy\r\n"), std::string::npos);
}

struct BlockCase {
  Protocol protocol;
  int source_port;
  const char* output;
};

TEST(TransmissionBlock, of_a_test_run) {
  for (const BlockCase& row : {
           BlockCase{Protocol::udp, 0,
                     "protocol: udp\n         source port: <OS assigned>\n    destination port: 62201\n"},
           {Protocol::tcp, 7, "protocol: tcp\n         source port: 7\n    destination port: 62201\n"},
           {Protocol::icmp, 7, "protocol: icmp\n         source port: 7\n"},
           {Protocol::http, 0, "GET /abc HTTP/1.1\r\n"},
       }) {
    Settings settings;
    settings.test = true;
    settings.server = "127.0.0.1";
    settings.protocol = row.protocol;
    settings.source_port = row.source_port;
    SeededRng rng(1);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::tmpfile(), std::fclose);
    {
      Console console(fileno(out.get()), fileno(out.get()));
      console.verbosity = 1;
      EXPECT_TRUE(send_packet(settings, "abc", rng, console));
    }
    std::rewind(out.get());
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out.get()));
    EXPECT_TRUE(text.starts_with("Generating SPA packet:\n")) << text;
    EXPECT_NE(text.find(row.output), std::string::npos) << text;
    EXPECT_NE(text.find("est mode enabled, SPA packet not actually sent.\n"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("send_spa_packet: bytes sent: 0\n")) << text;
  }
}

TEST(TransmissionBlock, random_ports_are_drawn_before_it_is_printed) {
  Settings settings;
  settings.test = true;
  settings.server = "127.0.0.1";
  settings.rand_port = true;
  SeededRng rng(1);
  Console console(-1, -1);
  EXPECT_TRUE(send_packet(settings, "abc", rng, console));
  settings.protocol = Protocol::udpraw;
  settings.server = "no.such.host.invalid.";
  EXPECT_TRUE(send_packet(settings, "abc", rng, console)
                  .error()
                  .text.ends_with("[*] Unable to resolve no.such.host.invalid. as an ip address"));
}

}  // namespace
}  // namespace latchkey::fwknop
