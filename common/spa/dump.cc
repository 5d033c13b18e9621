// SPDX-License-Identifier: GPL-2.0-or-later
// The field dump.
#include "config.h"

#include "common/spa/dump.h"

#include <fmt/format.h>

namespace latchkey::spa {
namespace {

constexpr std::string_view absent = "<NULL>";

void add(std::string& dump, std::string_view label, std::string_view value) {
  dump += fmt::format("{:>15}: {}\n", label, value);
}

std::string_view or_absent(std::string_view text) { return text.empty() ? absent : text; }
std::string_view given_or_absent(const std::optional<std::string>& text) { return text ? *text : absent; }
std::string_view yes_or_no(bool claim) { return claim ? "Yes" : "No"; }

template <class Enum>
std::string numbered(Enum value, std::string_view name) {
  return fmt::format("{} ({})", static_cast<int>(value), name);
}

void add_gpg(std::string& dump, const GpgDump& gpg) {
  add(dump, "GPG signer", given_or_absent(gpg.signer));
  add(dump, "GPG recipient", given_or_absent(gpg.recipient));
  add(dump, "GPG sig verify", yes_or_no(gpg.verifies_signature));
  add(dump, "GPG ignore sig", yes_or_no(gpg.ignores_signature_errors));
  add(dump, "GPG sig ID", given_or_absent(gpg.signature_id));
  add(dump, "GPG sig fpr", given_or_absent(gpg.signature_fingerprint));
  add(dump, "GPG sig summary", fmt::to_string(gpg.signature_summary));
  add(dump, "GPG sig status", fmt::to_string(gpg.signature_status));
  add(dump, "GPG home dir", given_or_absent(gpg.home_dir));
  add(dump, "GPG exe", gpg.exe ? *gpg.exe : GPG_EXE);
}

void add_message(std::string& dump, const Message& message, const DumpContext& context) {
  const NatText* nat = message.nat();
  add(dump, "Random Value", message.random_value);
  add(dump, "Username", message.username);
  add(dump, "Timestamp", fmt::to_string(message.timestamp_s));
  add(dump, "FKO Version", message.version);
  add(dump, "Message Type", numbered(message.type(), message_type_name(message.type())));
  add(dump, "Message String", message.text());
  add(dump, "Nat Access", nat ? std::string_view{nat->text} : absent);
  add(dump, "Server Auth", or_absent(message.server_auth));
  add(dump, "Client Timeout", fmt::to_string(message.timeout_s().value_or(context.unsent_timeout_s.value_or(0))));
}

}  // namespace

std::string format_fields(const Message& message, const DumpContext& context) {
  std::string dump = "SPA Field Values:\n=================\n";
  add_message(dump, message, context);
  add(dump, "Digest Type", numbered(context.digest_type, crypto::digest_name(context.digest_type)));
  add(dump, "HMAC Type", numbered(context.hmac_type, crypto::digest_name(context.hmac_type)));
  add(dump, "Encryption Type", numbered(context.encryption_type, encryption_type_name(context.encryption_type)));
  add(dump, "Encryption Mode", numbered(context.encryption_mode, encryption_mode_name(context.encryption_mode)));
  if (context.gpg) add_gpg(dump, *context.gpg);
  add(dump, "Encoded Data", or_absent(context.encoded));
  add(dump, "SPA Data Digest", or_absent(context.digest));
  add(dump, "HMAC", or_absent(context.hmac));
  add(dump, "Final SPA Data", or_absent(context.wire));
  return dump;
}

}  // namespace latchkey::spa
