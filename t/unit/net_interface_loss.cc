// SPDX-License-Identifier: GPL-2.0-or-later
// An interface that goes down, comes back and is deleted: what Capture and NetworkWatcher tell. In a network
// namespace of its own; skipped without root.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include <cstdlib>
#include <optional>

#include "common/net/capture.h"
#include "common/net/interfaces.h"
#include "common/net/send.h"

namespace latchkey::net {
namespace {

using Kind = CaptureError::Kind;

bool shell(const char* command) { return std::system(command) == 0; }  // NOLINT: fixed texts in a test

class InterfaceLoss : public testing::Test {
 protected:
  void SetUp() override {
    if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root";
    if (!shell("ip link add lk0 type veth peer name lk1 && ip link set lk1 up && ip addr add 10.99.0.1/24 dev lk0 && "
               "ip link set lk0 up"))
      GTEST_SKIP() << "needs ip and veth interfaces";
    auto opened = Capture::open_live({.interface = "lk0"});
    ASSERT_TRUE(opened) << opened.error().text;
    capture_.emplace(std::move(opened).value());
    const auto program = capture_->compile("udp dst port 9999");
    ASSERT_TRUE(program);
    ASSERT_TRUE(capture_->set_filter(*program));
  }

  /// Waits for the descriptor, then dispatches.
  Result<DispatchOutcome, CaptureError> wait() {
    pollfd waiting{.fd = capture_->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
    return capture_->dispatch(10, [](const PacketRef&) {});
  }
  bool is_quiet() {
    pollfd waiting{.fd = capture_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 0;
  }

  std::optional<Capture> capture_;
};

TEST_F(InterfaceLoss, down_is_told_once_and_packets_come_again_after_up) {
  ASSERT_TRUE(shell("ip link set lk0 down"));
  const auto lost = wait();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, Kind::interface_down);
  EXPECT_EQ(lost.error().text, "The interface went down");
  EXPECT_FALSE(capture_->is_interface_gone());
  EXPECT_TRUE(is_quiet());
  ASSERT_TRUE(shell("ip link set lk0 up && ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 dev lk0"));
  ASSERT_TRUE(knock_udp({.address = IpAddress::v4(0x0a630002), .port = 9999}));
  const auto again = wait();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->packets, 1);
}

TEST_F(InterfaceLoss, deletion_is_gone) {
  ASSERT_TRUE(shell("ip link del lk0"));
  const auto lost = wait();
  ASSERT_FALSE(lost);
  EXPECT_TRUE(lost.error().kind == Kind::interface_gone) << lost.error().text;
  EXPECT_EQ(lost.error().text, "The interface disappeared");
  EXPECT_TRUE(capture_->is_interface_gone());
}

TEST_F(InterfaceLoss, the_watcher_tells_addresses_and_links) {
  auto watcher = NetworkWatcher::open();
  ASSERT_TRUE(watcher);
  ASSERT_TRUE(shell("ip addr add 10.99.0.7/24 dev lk0 label lk0:1 && ip link set lk0 down && ip link del lk0"));
  const auto changes = watcher->read_changes();
  ASSERT_TRUE(changes);
  bool saw_address = false;
  bool saw_down = false;
  bool saw_deletion = false;
  for (const NetworkChange& change : *changes) {
    if (const auto* address = std::get_if<AddressChange>(&change))
      saw_address |= address->is_added && address->address.label == "lk0:1" &&
                     format_ip_address(address->address.address) == "10.99.0.7";
    if (const auto* link = std::get_if<LinkChange>(&change)) {
      saw_down |= link->name == "lk0" && !link->is_up;
      saw_deletion |= link->name == "lk0" && link->is_deleted;
    }
  }
  EXPECT_TRUE(saw_address);
  EXPECT_TRUE(saw_down);
  EXPECT_TRUE(saw_deletion);
}

}  // namespace
}  // namespace latchkey::net
