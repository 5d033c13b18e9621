// SPDX-License-Identifier: GPL-2.0-or-later
// GnuPG through GPGME, which is loaded when it is first used: a program that needs no GPG does not pay for it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"

namespace latchkey::crypto {

enum class GpgFailure {
  no_library,  ///< libgpgme.so.11 is not installed, or too old
  no_openpgp,  ///< the gpg program does not run
  context,
  protocol,
  plaintext_object,
  ciphertext_object,
  key_list,
  key_not_found,
  key_ambiguous,
  add_signer,
  encrypt,
  decrypt,
  decrypt_unsupported,
};

/// `text` is GPGME's own ("No secret key"), empty where it has none.
struct GpgError {
  GpgFailure failure;
  std::string text;
};

struct GpgEngine {
  std::string exe;       ///< empty: GPGME's own choice
  std::string home_dir;  ///< empty: gpg's default
  /// Whether pinentry may ask a person for a passphrase that is not given here; never in a daemon.
  bool may_ask = true;
};

enum class GpgKeyUse { encrypt, sign };

/// A signature as GPGME reports it; numbers are GPGME's.
struct GpgSignature {
  std::string fingerprint;  ///< upper case, of the key or subkey that signed
  int summary = 0;
  int status = 0;           ///< 0: good
  std::string status_text;  ///< empty when good
  int validity = 0;         ///< of the signer's key; 3 is marginal, and higher is better
  /// The signature is the key's, whatever else (trust, expiry) is wrong with either. False for bad signatures, missing
  /// and revoked keys: then `fingerprint` is only what the packet claims.
  bool is_verified = false;
};

struct GpgDecrypted {
  SecretBytes plaintext;
  std::vector<GpgSignature> signatures;
  std::vector<std::string> recipients;  ///< key ids (16 digits) that the message was encrypted to
};

/// One GPGME context. Every call starts gpg and waits for it: callers that may not wait use a process of their own.
class Gpg {
 public:
  static Result<Gpg, GpgError> open(const GpgEngine& engine);
  Gpg(Gpg&& other) noexcept;
  Gpg& operator=(Gpg&& other) noexcept;
  ~Gpg();

  /// Finds the one key that `pattern` names (name, mail address, id, fingerprint) and uses it. Errors: key_list,
  /// key_not_found, key_ambiguous, add_signer.
  Result<void, GpgError> use_key(GpgKeyUse use, const std::string& pattern);
  /// Answers gpg's question for a passphrase, once, without pinentry.
  void set_passphrase(SecretBytes passphrase);

  /// To the key of use_key(encrypt), and signed when there is one to sign. Binary OpenPGP.
  Result<Bytes, GpgError> encrypt(ByteView plaintext);
  Result<GpgDecrypted, GpgError> decrypt(ByteView ciphertext);
  /// Of the primary key that a subkey's `fingerprint` belongs to; nullopt when the key is not there.
  std::optional<std::string> primary_fingerprint(const std::string& fingerprint);

 private:
  struct State;
  explicit Gpg(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::crypto
