// SPDX-License-Identifier: GPL-2.0-or-later
// URLs, replies, and both ways of fetching, against a server of the test on the loopback interface.
#include "common/net/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "common/base/fd.h"
#include "common/net/socket_address.h"

namespace latchkey::net {
namespace {

struct UrlCase {
  const char* text;
  const char* host;
  int port;
  const char* path;
};
TEST(Url, is_split) {
  for (const UrlCase& row : {UrlCase{"http://h/a/b", "h", 80, "/a/b"}, UrlCase{"HTTPS://h", "h", 80, "/"},
                             UrlCase{"h:8080/x/", "h", 8080, "/x"}, UrlCase{"h/", "h", 80, "/"},
                             UrlCase{"http://h/a:b", "h", 80, "/a:b"}, UrlCase{"h:00080", "h", 80, "/"}}) {
    const auto url = parse_url(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->path, row.path);
  }
  EXPECT_TRUE(parse_url("HTTPS://h")->is_https);
  EXPECT_TRUE(parse_url("h:80")->has_port);
}

TEST(Url, faults) {
  for (const char* text : {"", "http://", "https:///x", ":80"})
    EXPECT_EQ(parse_url(text).error(), UrlFault::empty) << text;
  for (const char* text : {"h:", "h:0", "h:65536", "h:x", "h:1x/", "h:-1"})
    EXPECT_EQ(parse_url(text).error(), UrlFault::bad_port) << text;
  EXPECT_TRUE(parse_url(std::string(255, 'h')));
  EXPECT_EQ(parse_url(std::string(256, 'h')).error(), UrlFault::long_host);
  EXPECT_TRUE(parse_url("h/" + std::string(1023, 'p')));
  EXPECT_EQ(parse_url("h/" + std::string(1024, 'p')).error(), UrlFault::long_path);
}

TEST(Reply, is_split_at_the_end_of_the_header) {
  const auto reply = parse_http_reply("HTTP/1.1 200 OK\r\nA: b\r\n\r\n1.2.3.4\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "1.2.3.4\n");
  for (const char* text : {"", "HTTP/1.1 200 OK\r\n", "junk\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 x\r\n\r\n"})
    EXPECT_FALSE(parse_http_reply(text)) << text;
}

/// Takes one connection, reads the head of the request, answers and closes.
class OneShotServer {
 public:
  explicit OneShotServer(std::string answer) : answer_(std::move(answer)) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const NativeAddress any({.address = IpAddress::v4(0x7f000001)});
    EXPECT_EQ(::bind(listener_.get(), any.get(), any.length()), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    ::getsockname(listener_.get(), as_sockaddr(&own), &length);
    port_ = from_native(own)->port;
    thread_ = std::thread([this] { serve(); });
  }
  ~OneShotServer() { thread_.join(); }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/ip"; }
  /// Only after the exchange is over.
  const std::string& request() const { return request_; }

 private:
  void serve() {
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 1024> chunk;
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client.get(), chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      request_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    ::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
  }
  std::string answer_;
  std::string request_;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST(Exchange, sends_as_it_is_and_reads_to_the_end) {
  const std::string request = "GET /ip HTTP/1.1\r\nHost: x\r\n\r\n";
  std::string seen;
  {
    OneShotServer server("HTTP/1.1 200 OK\r\n\r\n9.8.7.6");
    const auto reply = exchange_tcp("127.0.0.1", server.port(), request);
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(parse_http_reply(*reply)->body, "9.8.7.6");
    seen = server.request();
  }
  EXPECT_EQ(seen, request);
}

TEST(Exchange, names_the_stage_of_a_failure) {
  const auto unknown = exchange_tcp("::1", 80, "", {.family = Family::v4});
  EXPECT_EQ(unknown.error().stage, ExchangeError::Stage::resolve);
  EXPECT_EQ(unknown.error().text, "Address family for hostname not supported");
  OneShotServer server(std::string(5000, 'x'));
  const auto too_long = exchange_tcp("127.0.0.1", server.port(), "\r\n\r\n", {.max_reply_bytes = 4999});
  EXPECT_EQ(too_long.error().stage, ExchangeError::Stage::too_long);
}

TEST(HttpGet, fetches_with_the_user_agent) {
  std::string seen;
  {
    OneShotServer server("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n9.8.7.6");
    const auto reply = http_get({.url = server.url(), .user_agent = "Fwknop/x y"});
    if (!reply && reply.error().text.starts_with("cannot load")) GTEST_SKIP() << reply.error().text;
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "9.8.7.6");
    seen = server.request();
  }
  EXPECT_NE(seen.find("User-Agent: Fwknop/x y\r\n"), std::string::npos) << seen;
}

TEST(HttpGet, stops_at_the_limit) {
  OneShotServer server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(101, 'x'));
  const auto reply = http_get({.url = server.url(), .max_body_bytes = 100});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().text, "the reply is longer than 100 bytes");
}

TEST(HttpGet, takes_no_other_scheme) {
  const auto reply = http_get({.url = "file:///etc/hostname"});
  EXPECT_FALSE(reply);
}

}  // namespace
}  // namespace latchkey::net
