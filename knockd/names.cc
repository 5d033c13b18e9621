// SPDX-License-Identifier: GPL-2.0-or-later
// Look-ups: one short-lived, unprivileged process each, with a pipe for the answer.
#include "knockd/names.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "common/base/text.h"
#include "common/net/resolver.h"
#include "common/os/user.h"
#include "common/privsep/privileges.h"

namespace latchkey::knockd {
namespace {

constexpr auto longest_look_up = std::chrono::seconds(1);
// Addresses change hands: an old name would accuse the wrong host.
constexpr auto remembered = std::chrono::minutes(1);
constexpr std::size_t most_look_ups = 16;
constexpr std::size_t most_names = 4096;
constexpr std::size_t max_name_bytes = 253;

[[noreturn]] void be_look_up(const net::IpAddress& address, const std::optional<os::User>& user, Fd answer) {
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::alarm(2 * static_cast<unsigned>(longest_look_up.count()));
  // The resolver needs files and the network, nothing else.
  const bool is_confined = privsep::close_all_but({answer.get()}).ok() &&
                           (!user || privsep::become_user(user->uid, user->gid).ok()) &&
                           privsep::drop_capabilities().ok() && privsep::lock_process().ok();
  if (is_confined) {
    const auto name = net::lookup_name(address);
    if (name && !write_all(answer.get(), *name)) _exit(1);
  }
  _exit(0);
}

}  // namespace

bool is_plain_host_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name_bytes && std::ranges::all_of(name, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
}

Names::Names(os::EventLoop& loop, os::Children& children, std::string user, std::function<void()> on_answer)
    : loop_(loop), children_(children), user_(std::move(user)), on_answer_(std::move(on_answer)) {}

Names::~Names() {
  for (auto& [address, entry] : entries_) {
    loop_.cancel(entry.limit);
    if (entry.answer) loop_.unwatch(entry.answer.get());
  }
}

bool Names::is_pending(const net::IpAddress& address) const {
  const auto found = entries_.find(address);
  return found != entries_.end() && found->second.answer.is_open();
}

std::string Names::show(const net::IpAddress& address) const {
  const auto found = entries_.find(address);
  const std::string text = net::format_ip_address(address);
  if (found == entries_.end() || !found->second.name) return text;
  return fmt::format("{} ({})", text, *found->second.name);
}

void Names::look_up(const net::IpAddress& address) {
  if (pending_ >= most_look_ups || is_pending(address)) return;
  const MonotonicTime now = loop_.clock().monotonic();
  if (const auto found = entries_.find(address); found != entries_.end() && now < found->second.asked + remembered)
    return;
  if (entries_.size() >= most_names)
    std::erase_if(entries_, [](const auto& entry) { return !entry.second.answer.is_open(); });
  // An account that is missing was complained of when the sensor started.
  std::optional<os::User> user;
  if (::geteuid() == 0) {
    auto found = os::find_user(user_);
    if (!found) return;
    user = std::move(*found);
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  Fd out(ends[0]);
  Fd in(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return;
  if (pid == 0) be_look_up(address, user, std::move(in));
  children_.adopt(pid, [](const os::ChildExit&) {});
  Entry& entry = entries_[address];
  entry.asked = now;
  entry.pid = pid;
  entry.answer = std::move(out);
  ++pending_;
  entry.limit = loop_.call_after(longest_look_up, [this, address] { finish(address, std::nullopt); });
  const int fd = entry.answer.get();
  if (!loop_.watch(fd, os::readable, [this, address](unsigned) { take_answer(address); }))
    finish(address, std::nullopt);
}

void Names::take_answer(const net::IpAddress& address) {
  std::array<char, 1024> answer{};
  const ssize_t size = ::read(entries_.at(address).answer.get(), answer.data(), answer.size());
  const std::string_view name(answer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  finish(address, is_plain_host_name(name) ? std::optional<std::string>(name) : std::nullopt);
}

void Names::finish(const net::IpAddress& address, std::optional<std::string> name) {
  Entry& entry = entries_.at(address);
  loop_.cancel(entry.limit);
  loop_.unwatch(entry.answer.get());
  entry.answer.close();
  children_.send_signal(entry.pid, SIGKILL);
  entry.name = std::move(name);
  --pending_;
  on_answer_();
}

}  // namespace latchkey::knockd
