// SPDX-License-Identifier: GPL-2.0-or-later
// Capture: packets of an interface or of a capture file, for an event loop.
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/filter.h"
#include "common/net/link_type.h"

namespace latchkey::net {

/// `text` is exactly what the peers print behind their own words: libpcap's text, for a failed open with the interface
/// name in front as pcap_open_live() puts it ("nosuch0: No such device exists (No such device exists)").
struct CaptureError {
  enum class Kind {
    other,
    no_permission,
    no_such_interface,
    interface_down,  ///< lost IFF_UP; packets come again after it is up
    interface_gone,  ///< deleted: nothing will come again
  };
  Kind kind = Kind::other;
  std::string text;
};

struct CaptureOptions {
  std::string interface;  ///< "any" is known to libpcap
  int snap_length_bytes = 65535;
  bool is_promiscuous = false;
  /// Packets are handed over as they arrive. Off: in batches, at most `timeout` late.
  bool is_immediate = true;
  std::chrono::milliseconds timeout{100};
  int buffer_bytes = 0;  ///< of the kernel; 0 is libpcap's default (2 MiB)
};

enum class Direction { both, in, out };

struct PacketRef {
  ByteView bytes;  ///< valid during the call only
  std::size_t wire_length_bytes = 0;
  WallTime time;
};
using PacketHandler = std::function<void(const PacketRef&)>;

struct DispatchOutcome {
  int packets = 0;
  bool is_end_of_file = false;
};

class Capture {
 public:
  /// Opens and activates a live capture, non-blocking.
  static Result<Capture, CaptureError> open_live(const CaptureOptions& options);
  /// Error text as pcap_open_offline() gives it ("PATH: No such file or directory").
  static Result<Capture, CaptureError> open_file(const std::string& path);

  Capture(Capture&&) noexcept;
  Capture& operator=(Capture&&) noexcept;
  ~Capture();

  /// libpcap opened the interface but has something to say; usually empty.
  const std::string& warning() const;
  bool is_live() const;
  /// Readable when packets wait; EPOLLERR when the interface went down (call dispatch(), which tells). -1 for a file:
  /// call dispatch() until is_end_of_file.
  int fd() const;
  LinkType link_type() const;
  int snap_length_bytes() const;

  /// Compiles (optimised, netmask 0) for this capture. Error: libpcap's text (pcap_compile).
  Result<FilterProgram, CaptureError> compile(const std::string& filter_text);
  /// Replaces the filter (an empty program passes everything); packets that passed the old one and wait are dropped by
  /// libpcap. Error: pcap_setfilter's text.
  Result<void, CaptureError> set_filter(const FilterProgram& program);
  /// Error: libpcap's text (pcap_setdirection).
  Result<void, CaptureError> set_direction(Direction direction);
  /// SO_LOCK_FILTER: nobody, root neither, can change the filter of this socket any more. No effect on a file.
  Result<void, CaptureError> lock_filter();

  /// Hands at most `max_packets` waiting packets to `handler`, without blocking. Exceptions of the handler come
  /// through. On a live capture without packets it asks the socket for a pending error, so that a lost interface is
  /// told (text "The interface went down" or "The interface disappeared"), each time once.
  Result<DispatchOutcome, CaptureError> dispatch(int max_packets, const PacketHandler& handler);
  /// Ends dispatch() after the packet in hand.
  void break_dispatch();
  /// Live captures: the interface this socket was bound to has been deleted.
  bool is_interface_gone() const;

 private:
  struct State;
  explicit Capture(std::unique_ptr<State> state);
  Result<void, CaptureError> take_socket_error();
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::net
