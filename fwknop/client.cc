// SPDX-License-Identifier: GPL-2.0-or-later
// One run of the client, from the command line to the exit status (spec/fwknop-client.md 1.1).
#include "fwknop/client.h"

#include "common/base/bytes.h"
#include "fwknop/address_resolution.h"
#include "fwknop/argument_line.h"
#include "fwknop/checks.h"
#include "fwknop/command_line.h"
#include "fwknop/gpg_packet.h"
#include "fwknop/key_gen.h"
#include "fwknop/keys.h"
#include "fwknop/last_args.h"
#include "fwknop/message.h"
#include "fwknop/options.h"
#include "fwknop/packet.h"
#include "fwknop/rc_directives.h"
#include "fwknop/rc_file.h"
#include "fwknop/rc_save.h"
#include "fwknop/transport.h"

namespace latchkey::fwknop {
namespace {

constexpr int success = 0;
constexpr int failure = 1;

class Run {
 public:
  Run(World& world, const CommandLine& line, bool is_rerun)
      : world_(world), console_(world.console), line_(line), is_rerun_(is_rerun) {}

  int run() {
    const Settings early = scan_early_options(line_, console_);
    if (early.help) {
      console_.output_text(usage_text(world_.full_version));
      return success;
    }
    console_.verbosity = early.verbose_count;
    if (early.no_rc_file && !check_no_rc_file(early)) return failure;
    if (early.stanza_list) return list_stanzas(early);
    if (!early.no_rc_file && !load_rc_file(early)) return failure;
    settings_.verbose_count = 0;  // the second pass counts again
    if (const auto status = apply_options(line_, world_.full_version, settings_, console_)) return *status;
    console_.verbosity = settings_.verbosity();
    if (const auto checked = check_settings(settings_, is_stanza_found_, world_.version, console_); !checked)
      return complain(checked.error());
    if (settings_.key_gen || settings_.save_rc_stanza) {
      if (const auto status = make_and_save()) return *status;
    }
    if (const auto status = handle_saved_args()) return *status;
    if (settings_.version) {
      console_.print("fwknop client {}, FKO protocol version {}", world_.version, spa::protocol_version);
      return success;
    }
    return build_and_send();
  }

 private:
  int complain(const Error& error) {
    if (!error.text.empty()) console_.error("{}", error.text);
    return failure;
  }

  bool check_no_rc_file(const Settings& early) {
    std::string_view purpose;
    if (early.save_rc_stanza)
      purpose = "save an rc stanza";
    else if (!early.named_config.empty())
      purpose = "set stanza name";
    else if (early.stanza_list)
      purpose = "list stanzas";
    else
      return true;
    console_.error("Cannot {} in --no-rc-file mode.", purpose);
    return false;
  }

  /// The rc file's path, its permissions checked; what is wrong has been printed.
  std::optional<std::string> safe_rc_path(const Settings& settings) {
    auto path = find_rc_path(settings, world_.environment);
    if (!path) {
      complain(path.error());
      return std::nullopt;
    }
    if (const auto checked = check_private_file(*path, console_); !checked) {
      complain(checked.error());
      return std::nullopt;
    }
    return *path;
  }

  int list_stanzas(const Settings& early) {
    const auto path = safe_rc_path(early);
    if (!path) return failure;
    const auto names = list_rc_sections(*path);
    if (!names) return complain(names.error());
    console_.print("The following stanzas are configured in {} :", *path);
    for (const std::string& name : *names) console_.print(" - {}", name);
    return success;
  }

  bool load_rc_file(const Settings& early) {
    const auto path = safe_rc_path(early);
    if (!path) return false;
    if (!create_missing_rc_file(*path, console_)) return true;
    const std::string_view stanza = early.save_rc_stanza ? std::string_view() : early.named_config;
    // -v is what VERBOSE does not replace (D6).
    settings_.verbose_count = early.verbose_count;
    const RcPass first = apply_rc_section(*path, "default", Source::default_section, settings_, console_, stanza);
    is_stanza_found_ = first.has_other;
    if (!first.is_ok || !is_stanza_found_) return first.is_ok;
    return safe_rc_path(early) && apply_rc_section(*path, stanza, Source::named_section, settings_, console_).is_ok;
  }

  std::optional<int> make_and_save() {
    std::optional<spa::GeneratedKeys> keys;
    if (settings_.key_gen) {
      auto made = make_keys(settings_, world_.rng);
      if (!made) return complain(made.error());
      keys = std::move(*made);
      settings_.key.base64 = keys->key_base64.clone();
      settings_.hmac_key.base64 = keys->hmac_key_base64.clone();
    }
    std::string saved_in;
    if (settings_.save_rc_stanza) {
      const auto path = safe_rc_path(settings_);
      if (!path) return failure;
      // Without success the packet is sent all the same, and new keys are printed rather than lost.
      if (save_rc_stanza(*path, settings_, console_)) saved_in = *path;
    }
    if (!keys) return std::nullopt;
    if (const auto handed = hand_over_keys(settings_, *keys, saved_in, console_); !handed)
      return complain(handed.error());
    return success;
  }

  std::optional<int> handle_saved_args() {
    // A stored -l counts for nothing; after a stored --show-last the peer does nothing more.
    if (is_rerun_) return settings_.show_last ? std::optional(success) : std::nullopt;
    const bool reads = settings_.run_last || settings_.show_last;
    if (!reads && settings_.no_save_args) return std::nullopt;
    const auto path = find_args_path(settings_, world_.environment);
    if (!path) return complain(path.error());
    if (!reads) {
      const auto saved = save_args(*path, line_.words(), console_);
      return saved ? std::nullopt : std::optional<int>(complain(saved.error()));
    }
    auto text = read_args_line(*path, console_);
    if (!text) return complain(text.error());
    const int status = settings_.run_last ? run_again(*text) : show_last(*text, *path);
    wipe(*text);
    return status;
  }

  int run_again(const std::string& text) {
    console_.info("Executing: {}", text);
    return Run::again(world_, parse_argument_line(text));
  }

  int show_last(const std::string& text, const std::string& path) {
    if (text.empty()) {
      console_.print("Could not read line from file: {}", path);
      return failure;
    }
    console_.print("Last fwknop client command line: {}", text);
    return success;
  }

  static int again(World& world, std::vector<std::string> words) {
    const CommandLine line(std::move(words));
    return Run(world, line, true).run();
  }

  Result<spa::Message> make_message() {
    auto user = find_user_name(settings_, world_.environment);
    // A name of the environment is refused before anything else, one of -U in its place.
    if (!user && settings_.spoof_user.empty()) return fail(user.error());
    const auto timestamp = make_timestamp(settings_, world_.clock.wall());
    if (!timestamp) return fail(timestamp.error());
    std::string allow_address = settings_.allow_address;
    if (settings_.resolves_address) {
      auto resolved = resolve_own_address(settings_, console_);
      if (!resolved) return fail(resolved.error());
      allow_address = std::move(*resolved);
    }
    auto body = make_body(settings_, allow_address, world_.rng, console_);
    if (!body) return fail(body.error());
    if (!user) return fail(user.error());
    auto random_value = spa::make_random_value(world_.rng);
    if (!random_value) return fail(Error{library_error("fko_new", random_value.error())});
    return spa::Message{.random_value = std::move(*random_value),
                        .username = std::move(*user),
                        .timestamp_s = *timestamp,
                        .body = std::move(*body)};
  }

  int build_and_send() {
    auto message = make_message();
    if (!message) return complain(message.error());
    if (settings_.use_gpg) {
      auto gpg = open_gpg(settings_);
      if (!gpg) return complain(gpg.error());
      gpg_ = std::move(*gpg);
    }
    auto keys = acquire_keys(settings_, console_);
    if (!keys) return complain(keys.error());
    auto packet = seal_packet(settings_, std::move(*message), *keys, gpg(), world_.rng, console_);
    if (!packet) return complain(packet.error());
    if (settings_.test || console_.verbosity > 0) console_.output_text(format_packet(settings_, *packet));
    write_packet_file(settings_, *packet, console_);
    if (const auto sent = send_packet(settings_, packet->sealed.wire, world_.rng, console_); !sent) {
      complain(sent.error());
      console_.error("send_spa_packet: packet not sent.");
      return failure;
    }
    return settings_.test ? show_decoded(*packet, *keys) : success;
  }

  int show_decoded(const Packet& packet, const Keys& keys) {
    const auto dump = decode_own_packet(settings_, packet, keys, gpg());
    if (!dump) return complain(dump.error());
    if (console_.verbosity > 0) {
      console_.print("\nDump of the Decoded Data");
      console_.output_text(*dump);
    }
    return success;
  }

  crypto::Gpg* gpg() { return gpg_ ? &*gpg_ : nullptr; }

  World& world_;
  Console& console_;
  const CommandLine& line_;
  bool is_rerun_;
  bool is_stanza_found_ = false;
  Settings settings_;
  std::optional<crypto::Gpg> gpg_;
};

}  // namespace

int run_client(std::vector<std::string> words, World& world) {
  const CommandLine line(std::move(words));
  return Run(world, line, false).run();
}

}  // namespace latchkey::fwknop
