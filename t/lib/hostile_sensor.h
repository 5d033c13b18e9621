// SPDX-License-Identifier: GPL-2.0-or-later
// A sensor that has been taken over: sends what a test gives it, mutated messages among it, over the real channel.
#pragma once
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/privsep/channel.h"
#include "common/privsep/confine.h"

namespace latchkey::test {

using privsep::encode_frame;

struct NamedDatagram {
  std::string name;
  Bytes bytes;
};

/// Datagrams that no Channel sends: each must end the daemon, whatever the state it is in.
inline std::vector<NamedDatagram> broken_frames(std::uint16_t type, ByteView payload) {
  const Bytes good = encode_frame(type, payload);
  const auto changed = [&](std::size_t at, int value) {
    Bytes bytes = good;
    bytes[at] = static_cast<std::byte>(value);
    return bytes;
  };
  Bytes longer = good;
  longer.push_back(std::byte{0});
  return {
      {"one byte", Bytes(1)},
      {"half a header", Bytes(good.begin(), good.begin() + 7)},
      {"version 0", changed(1, 0)},
      {"version 2", changed(1, 2)},
      {"a byte too many", longer},
      {"payload missing", encode_frame(type, Bytes(1)).size() > 8 ? Bytes(good.begin(), good.begin() + 8) : Bytes(8)},
      {"length beyond everything", changed(4, 0xff)},
      {"larger than any message", Bytes(8 + privsep::max_payload_bytes + 1)},
      {"all ones", Bytes(64, std::byte{0xff})}};
}

/// Calls `take` with every prefix of `payload`, with every bit flipped, with one byte more, and with each byte at its
/// extremes.
template <class F>
void for_each_mutation(ByteView payload, F take) {
  for (std::size_t size = 0; size < payload.size(); ++size) take(payload.first(size));
  Bytes bytes(payload.begin(), payload.end());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const std::byte flip = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= flip;
    take(ByteView(bytes));
    bytes[bit / 8] ^= flip;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const std::byte extreme : {std::byte{0}, std::byte{0x7f}, std::byte{0xff}}) {
      const std::byte before = std::exchange(bytes[at], extreme);
      take(ByteView(bytes));
      bytes[at] = before;
    }
  }
  bytes.push_back(std::byte{0});
  take(ByteView(bytes));
}

/// Sends its datagrams as they are, one after the other, reads and drops what is answered, and stays until the other
/// side closes. Goes where a daemon takes a privsep::ConfinedProgram.
class HostileSensor final : public privsep::ConfinedProgram {
 public:
  HostileSensor(privsep::Channel channel, std::vector<Bytes> datagrams)
      : channel_(std::move(channel)), datagrams_(std::move(datagrams)) {}

  int run() override {
    for (const Bytes& datagram : datagrams_) {
      while (::send(channel_.fd(), datagram.data(), datagram.size(), MSG_NOSIGNAL) < 0) {
        if (errno != EAGAIN) return 1;
        wait_for(POLLOUT);
        drain();
      }
    }
    while (drain()) wait_for(POLLIN);
    return 0;
  }

 private:
  void wait_for(short events) {
    pollfd watched{channel_.fd(), events, 0};
    poll(&watched, 1, -1);
  }
  bool drain() {
    for (;;) {
      const auto message = channel_.receive();
      if (!message) return false;
      if (!*message) return true;
    }
  }

  privsep::Channel channel_;
  std::vector<Bytes> datagrams_;
};

}  // namespace latchkey::test
