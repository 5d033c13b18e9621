// SPDX-License-Identifier: GPL-2.0-or-later
// ConfigReader: entries of knockd.conf, one by one, become a Config and notes. Directives are rows of directives.cc.
#pragma once
#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/knockd_dialect.h"
#include "knockd/configuration.h"
#include "knockd/sequence.h"
#include "knockd/texts.h"

namespace latchkey::knockd {

class ConfigReader {
 public:
  explicit ConfigReader(ReadOptions options) : options_(options) {}

  void read(const std::vector<config::KnockdEntry>& entries);
  /// The file cannot be read at all.
  void refuse(std::string text, const config::Place& place);
  ConfigReading release();

  // Setters of the directive table; each takes the value of the entry in hand.
  void set_log_file(std::string_view value);
  void set_pid_file(std::string_view value);
  void set_interface(std::string_view value);
  void set_sequence(std::string_view value);
  void set_one_time_file(std::string_view value);
  void set_seq_timeout(std::string_view value);
  void set_seq_cooldown(std::string_view value);
  void set_allow_duplicates(std::string_view value);
  void set_tcp_flags(std::string_view value);
  void set_target(std::string_view value);
  void set_start_command(std::string_view value);
  void set_start_command_6(std::string_view value);
  void set_cmd_timeout(std::string_view value);
  void set_stop_command(std::string_view value);
  void set_stop_command_6(std::string_view value);

 private:
  /// A door that is being read.
  struct Draft {
    Door door;
    config::Place place;  ///< of its header
    config::Place stop_place;
    std::shared_ptr<OneTimeSource> one_time;
    bool has_sequence = false;
    /// Directives whose last value is none, with their notes: the door is left out.
    std::map<std::string_view, std::size_t> junk;
  };

  void take(const config::KnockdEntry& entry);
  void open_section(std::string_view name);
  void apply_directive(const config::KnockdEntry& entry);
  void finish();
  void check_door(const Draft& draft);

  template <class... T>
  void debug(fmt::format_string<T...> format, const T&... values) {
    if (options_.wants_debug)
      note(Note::Kind::debug, fmt::vformat(format, fmt::make_format_args(values...)), {}, place_);
  }
  void warn(const config::Place& place, std::string reason);
  std::string warning_text(const config::Place& place, std::string_view reason) const;
  /// Unless a later line of the same directive, which is a literal, has a value.
  void disable_door(std::string_view directive, std::string reason);
  void forgive(std::string_view directive);
  /// `config: line N: REASON`
  void refuse_line(std::string reason);
  /// `config: section DOOR: REASON`
  void refuse_section(std::string reason, bool is_logged);
  void note(Note::Kind kind, std::string text, std::string reason, const config::Place& place);
  config::Place place_of(std::size_t offset_bytes) const;
  void set_timeout(std::string_view value, std::string_view name, std::int32_t& target);
  void set_command(std::string_view value, std::string_view name, std::optional<std::string>& target);
  void use_sequence(Sequence sequence);
  void warn_of_relative_path(std::string_view path);
  Draft& draft() { return drafts_.back(); }

  ReadOptions options_;
  ConfigReading reading_;
  Config config_;
  std::vector<Draft> drafts_;
  config::Place place_;  ///< of the entry in hand
  bool is_in_options_ = false;
  bool is_refused_ = false;
};

}  // namespace latchkey::knockd
