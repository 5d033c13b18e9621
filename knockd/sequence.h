// SPDX-License-Identifier: GPL-2.0-or-later
// Knock sequences, timeouts and TCP flags: text to values, with knockd 0.8's tolerance made visible.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "knockd/door.h"

namespace latchkey::knockd {

/// A remark about a piece of a value; `offset_bytes` is where it begins in the value.
struct Remark {
  std::size_t offset_bytes = 0;
  std::string reason;
};

/// What a value was found to be (spec/knockd.md 2.4, 2.6). At most one of `error` and `junk` decides.
template <class T>
struct Reading {
  T value{};
  /// 0.8 refuses the file: "port 70000 is invalid", "unknown protocol in knock sequence", ...
  std::optional<Remark> error;
  /// 0.8 reads something else than was written: the door must not work with it.
  std::optional<Remark> junk;
  /// The leading number counts, the text behind it does not.
  std::vector<Remark> warnings;
};

/// "7000,8000:udp": 1 to 32 hits, each PORT[:PROTOCOL[:ignored]].
Reading<Sequence> parse_sequence(std::string_view value);

/// Seconds, 0..2147483647, C's atoi. Never an error.
Reading<std::int32_t> parse_timeout(std::string_view value);

/// One item of TCPFlags, upper-cased by the caller: "SYN", "!ACK". False: unknown. A later setting of a flag wins.
bool add_tcp_flag(std::string_view item, TcpFlags& flags);

/// "7000:tcp,8000:udp"
std::string format_sequence(const Sequence& sequence);

/// A TCP flag by name, in the order in which flags are looked at and shown.
struct FlagName {
  std::string_view name;         ///< of TCPFlags
  std::string_view filter_name;  ///< of libpcap's filter language
  std::uint8_t bit = 0;
};
std::span<const FlagName> flag_names();

}  // namespace latchkey::knockd
