// SPDX-License-Identifier: GPL-2.0-or-later
// libpcap: opening, filtering, dispatching, and telling a lost interface from other errors.
#include "common/net/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include <array>
#include <exception>

#include "common/base/handle.h"
#include "common/net/pcap_glue.h"

namespace latchkey::net {
namespace {

using Kind = CaptureError::Kind;
using Pcap = std::unique_ptr<pcap_t, Deleter<pcap_close>>;

constexpr const char* text_down = "The interface went down";
constexpr const char* text_gone = "The interface disappeared";

CaptureError last_error(pcap_t* handle) {
  const std::string text = pcap_geterr(handle);
  if (text == text_down) return {Kind::interface_down, text};
  if (text == text_gone) return {Kind::interface_gone, text};
  return {Kind::other, text};
}

Kind kind_of_status(int status) {
  switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return Kind::no_such_interface;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return Kind::no_permission;
    case PCAP_ERROR_IFACE_NOT_UP:
      return Kind::interface_down;
    default:
      return Kind::other;
  }
}

/// The text that pcap_open_live() makes of a failed activation: the peers print it.
CaptureError activation_error(pcap_t* handle, const std::string& interface, int status) {
  const std::string detail = pcap_geterr(handle);
  std::string text = interface + ": ";
  const bool has_detail = status == PCAP_ERROR_NO_SUCH_DEVICE || status == PCAP_ERROR_PERM_DENIED ||
                          status == PCAP_ERROR_PROMISC_PERM_DENIED;
  if (status == PCAP_ERROR) {
    text += detail;
  } else if (has_detail && !detail.empty()) {
    text += pcap_statustostr(status) + (" (" + detail + ')');
  } else {
    text += pcap_statustostr(status);
  }
  return {kind_of_status(status), text};
}

WallTime to_wall_time(const timeval& time) {
  return WallTime(std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec));
}

/// What travels through libpcap's callback: an exception must not unwind its C frames.
struct Delivery {
  pcap_t* handle = nullptr;
  const PacketHandler* handler = nullptr;
  int packets = 0;
  std::exception_ptr failure{};
};

void deliver(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  auto& delivery = *static_cast<Delivery*>(static_cast<void*>(user));
  if (delivery.failure) return;
  ++delivery.packets;
  try {
    (*delivery.handler)({std::as_bytes(std::span(bytes, header->caplen)), header->len, to_wall_time(header->ts)});
  } catch (...) {
    delivery.failure = std::current_exception();
    pcap_breakloop(delivery.handle);
  }
}

pcap_direction_t to_pcap(Direction direction) {
  switch (direction) {
    case Direction::both:
      return PCAP_D_INOUT;
    case Direction::in:
      return PCAP_D_IN;
    case Direction::out:
      return PCAP_D_OUT;
  }
  return PCAP_D_INOUT;
}

}  // namespace

struct Capture::State {
  Pcap handle;
  bool is_live = false;
  std::string warning{};
};

Capture::Capture(std::unique_ptr<State> state) : state_(std::move(state)) {}
Capture::Capture(Capture&&) noexcept = default;
Capture& Capture::operator=(Capture&&) noexcept = default;
Capture::~Capture() = default;

Result<Capture, CaptureError> Capture::open_live(const CaptureOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Pcap handle(pcap_create(options.interface.c_str(), error.data()));
  if (!handle) return fail(CaptureError{Kind::other, error.data()});
  pcap_set_snaplen(handle.get(), options.snap_length_bytes);
  pcap_set_promisc(handle.get(), options.is_promiscuous ? 1 : 0);
  pcap_set_timeout(handle.get(), static_cast<int>(options.timeout.count()));
  pcap_set_immediate_mode(handle.get(), options.is_immediate ? 1 : 0);
  if (options.buffer_bytes > 0) pcap_set_buffer_size(handle.get(), options.buffer_bytes);
  const int status = pcap_activate(handle.get());
  if (status < 0) return fail(activation_error(handle.get(), options.interface, status));
  auto state = std::make_unique<State>(State{std::move(handle), true});
  if (status > 0) {
    const std::string detail = pcap_geterr(state->handle.get());
    state->warning = detail.empty() ? pcap_statustostr(status) : detail;
  }
  if (pcap_setnonblock(state->handle.get(), 1, error.data()) != 0) return fail(CaptureError{Kind::other, error.data()});
  // libpcap leaves its socket open across execve().
  if (::fcntl(pcap_fileno(state->handle.get()), F_SETFD, FD_CLOEXEC) != 0)
    return fail(CaptureError{Kind::other, os_error("").text});
  return Capture(std::move(state));
}

Result<Capture, CaptureError> Capture::open_file(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Pcap handle(pcap_open_offline(path.c_str(), error.data()));
  if (!handle) return fail(CaptureError{Kind::other, error.data()});
  return Capture(std::make_unique<State>(State{std::move(handle), false}));
}

const std::string& Capture::warning() const { return state_->warning; }
bool Capture::is_live() const { return state_->is_live; }
int Capture::fd() const { return is_live() ? pcap_get_selectable_fd(state_->handle.get()) : -1; }
LinkType Capture::link_type() const { return LinkType{pcap_datalink(state_->handle.get())}; }
int Capture::snap_length_bytes() const { return pcap_snapshot(state_->handle.get()); }

Result<FilterProgram, CaptureError> Capture::compile(const std::string& filter_text) {
  auto program = compile_for(state_->handle.get(), filter_text);
  if (!program) return fail(CaptureError{Kind::other, program.error().text});
  return std::move(program).value();
}

Result<void, CaptureError> Capture::set_filter(const FilterProgram& program) {
  static const FilterProgram pass_all = {{.code = BPF_RET | BPF_K, .operand = 0xffffffff}};
  std::vector<bpf_insn> instructions = to_pcap(program.empty() ? pass_all : program);
  bpf_program native{.bf_len = static_cast<u_int>(instructions.size()), .bf_insns = instructions.data()};
  if (pcap_setfilter(state_->handle.get(), &native) != 0) return fail(last_error(state_->handle.get()));
  return {};
}

Result<void, CaptureError> Capture::set_direction(Direction direction) {
  if (pcap_setdirection(state_->handle.get(), to_pcap(direction)) != 0) return fail(last_error(state_->handle.get()));
  return {};
}

Result<void, CaptureError> Capture::lock_filter() {
  if (!is_live()) return {};
  const int on = 1;
  if (setsockopt(fd(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0)
    return fail(CaptureError{Kind::other, os_error("SO_LOCK_FILTER").text});
  return {};
}

bool Capture::is_interface_gone() const {
  if (!is_live()) return false;
  sockaddr_ll bound{};
  socklen_t length = sizeof bound;
  // The kernel sets the index of the socket to -1 when its device is unregistered.
  return getsockname(fd(), static_cast<sockaddr*>(static_cast<void*>(&bound)), &length) == 0 && bound.sll_ifindex == -1;
}

Result<void, CaptureError> Capture::take_socket_error() {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error == 0) return {};
  if (error != ENETDOWN) return fail(CaptureError{Kind::other, os_error("", error).text});
  if (is_interface_gone()) return fail(CaptureError{Kind::interface_gone, text_gone});
  return fail(CaptureError{Kind::interface_down, text_down});
}

Result<DispatchOutcome, CaptureError> Capture::dispatch(int max_packets, const PacketHandler& handler) {
  // libpcap in non-blocking mode would take the error from the socket and keep it to itself.
  if (is_live()) {
    if (auto pending = take_socket_error(); !pending) return fail(pending.error());
  }
  pcap_t* handle = state_->handle.get();
  Delivery delivery{.handle = handle, .handler = &handler};
  const int status = pcap_dispatch(handle, max_packets, deliver, static_cast<u_char*>(static_cast<void*>(&delivery)));
  if (delivery.failure) std::rethrow_exception(delivery.failure);
  if (status < 0 && status != PCAP_ERROR_BREAK) return fail(last_error(handle));
  return DispatchOutcome{delivery.packets, !is_live() && status == 0};
}

void Capture::break_dispatch() { pcap_breakloop(state_->handle.get()); }

}  // namespace latchkey::net
