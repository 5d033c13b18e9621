// SPDX-License-Identifier: GPL-2.0-or-later
// The one adapter of GPGME.
#include "common/crypto/gpg.h"

#include <dlfcn.h>
#include <gpgme.h>

#include <algorithm>
#include <utility>

#include "common/base/handle.h"

namespace latchkey::crypto {
namespace {

constexpr const char* library_name = "libgpgme.so.11";
constexpr const char* least_version = "1.18.0";

/// The functions in use, found by name.
struct Library {
  decltype(&::gpgme_check_version_internal) check_version_internal = nullptr;
  decltype(&::gpgme_engine_check_version) engine_check_version = nullptr;
  decltype(&::gpgme_new) make = nullptr;
  decltype(&::gpgme_release) release = nullptr;
  decltype(&::gpgme_set_protocol) set_protocol = nullptr;
  decltype(&::gpgme_ctx_set_engine_info) ctx_set_engine_info = nullptr;
  decltype(&::gpgme_set_pinentry_mode) set_pinentry_mode = nullptr;
  decltype(&::gpgme_set_passphrase_cb) set_passphrase_cb = nullptr;
  decltype(&::gpgme_io_writen) io_writen = nullptr;
  decltype(&::gpgme_op_keylist_start) op_keylist_start = nullptr;
  decltype(&::gpgme_op_keylist_next) op_keylist_next = nullptr;
  decltype(&::gpgme_op_keylist_end) op_keylist_end = nullptr;
  decltype(&::gpgme_get_key) get_key = nullptr;
  decltype(&::gpgme_key_unref) key_unref = nullptr;
  decltype(&::gpgme_signers_add) signers_add = nullptr;
  decltype(&::gpgme_op_encrypt) op_encrypt = nullptr;
  decltype(&::gpgme_op_encrypt_sign) op_encrypt_sign = nullptr;
  decltype(&::gpgme_op_decrypt_verify) op_decrypt_verify = nullptr;
  decltype(&::gpgme_op_decrypt_result) op_decrypt_result = nullptr;
  decltype(&::gpgme_op_verify_result) op_verify_result = nullptr;
  decltype(&::gpgme_data_new) data_new = nullptr;
  decltype(&::gpgme_data_new_from_mem) data_new_from_mem = nullptr;
  decltype(&::gpgme_data_release) data_release = nullptr;
  decltype(&::gpgme_data_seek) data_seek = nullptr;
  decltype(&::gpgme_data_read) data_read = nullptr;
  decltype(&::gpgme_strerror) strerror = nullptr;
  bool is_complete = false;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

// NOLINTBEGIN(clang-analyzer-core.CallAndMessage): find() has set the pointers of a library that is complete.

// The library stays loaded: it keeps threads' and descriptors' state of its own.
Library load() {
  Library l;
  void* library = ::dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return l;
  const auto get = [library](const char* name, auto& function) { return find(library, name, function); };
  const bool is_there =
      get("gpgme_check_version_internal", l.check_version_internal) &&
      get("gpgme_engine_check_version", l.engine_check_version) && get("gpgme_new", l.make) &&
      get("gpgme_release", l.release) && get("gpgme_set_protocol", l.set_protocol) &&
      get("gpgme_ctx_set_engine_info", l.ctx_set_engine_info) && get("gpgme_set_pinentry_mode", l.set_pinentry_mode) &&
      get("gpgme_set_passphrase_cb", l.set_passphrase_cb) && get("gpgme_io_writen", l.io_writen) &&
      get("gpgme_op_keylist_start", l.op_keylist_start) && get("gpgme_op_keylist_next", l.op_keylist_next) &&
      get("gpgme_op_keylist_end", l.op_keylist_end) && get("gpgme_get_key", l.get_key) &&
      get("gpgme_key_unref", l.key_unref) && get("gpgme_signers_add", l.signers_add) &&
      get("gpgme_op_encrypt", l.op_encrypt) && get("gpgme_op_encrypt_sign", l.op_encrypt_sign) &&
      get("gpgme_op_decrypt_verify", l.op_decrypt_verify) && get("gpgme_op_decrypt_result", l.op_decrypt_result) &&
      get("gpgme_op_verify_result", l.op_verify_result) && get("gpgme_data_new", l.data_new) &&
      get("gpgme_data_new_from_mem", l.data_new_from_mem) && get("gpgme_data_release", l.data_release) &&
      get("gpgme_data_seek", l.data_seek) && get("gpgme_data_read", l.data_read) && get("gpgme_strerror", l.strerror);
  // This call also starts the library; it must be the first.
  l.is_complete =
      is_there && l.check_version_internal(least_version, offsetof(struct _gpgme_signature, validity)) != nullptr;
  return l;
}

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

struct ReleaseContext {
  void operator()(gpgme_ctx_t context) const noexcept { library().release(context); }
};
struct ReleaseKey {
  void operator()(gpgme_key_t key) const noexcept { library().key_unref(key); }
};
struct ReleaseData {
  void operator()(gpgme_data_t data) const noexcept { library().data_release(data); }
};
using Context = std::unique_ptr<gpgme_context, ReleaseContext>;
using Key = std::unique_ptr<_gpgme_key, ReleaseKey>;
using Data = std::unique_ptr<gpgme_data, ReleaseData>;

std::string text_of(gpgme_error_t error) {
  return gpgme_err_code(error) == GPG_ERR_NO_ERROR ? "" : library().strerror(error);
}

Failure<GpgError> failed(GpgFailure failure, gpgme_error_t error = 0) {
  return fail(GpgError{failure, text_of(error)});
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// The bytes must outlive the object: GPGME does not copy them.
Data view_data(ByteView bytes) {
  gpgme_data_t data = nullptr;
  library().data_new_from_mem(&data, reinterpret_cast<const char*>(bytes.data()), bytes.size(), 0);
  return Data{data};
}

Data empty_data() {
  gpgme_data_t data = nullptr;
  library().data_new(&data);
  return Data{data};
}

// What is longer is no SPA plaintext (limit::text_below) and no packet; it is cut, and refused for its length.
constexpr std::size_t most_output_bytes = 8 * 1024;

SecretBytes take_output(gpgme_data_t data) {
  SecretBytes bytes{most_output_bytes};
  std::size_t size = 0;
  library().data_seek(data, 0, SEEK_SET);
  while (size < bytes.size()) {
    const auto count = library().data_read(data, bytes.span().data() + size, bytes.size() - size);
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  bytes.shrink(size);
  return bytes;
}

bool is_verified(gpgme_error_t status) {
  const auto code = gpgme_err_code(status);
  return code == GPG_ERR_NO_ERROR || code == GPG_ERR_SIG_EXPIRED || code == GPG_ERR_KEY_EXPIRED;
}

std::vector<GpgSignature> signatures_of(gpgme_verify_result_t result) {
  std::vector<GpgSignature> signatures;
  for (auto s = result == nullptr ? nullptr : result->signatures; s != nullptr; s = s->next) {
    signatures.push_back({.fingerprint = s->fpr == nullptr ? "" : s->fpr,
                          .summary = static_cast<int>(s->summary),
                          .status = static_cast<int>(gpgme_err_code(s->status)),
                          .status_text = text_of(s->status),
                          .validity = static_cast<int>(s->validity),
                          .is_verified = is_verified(s->status)});
  }
  return signatures;
}

std::vector<std::string> recipients_of(gpgme_decrypt_result_t result) {
  std::vector<std::string> ids;
  for (auto r = result == nullptr ? nullptr : result->recipients; r != nullptr; r = r->next)
    if (r->keyid != nullptr) ids.emplace_back(r->keyid);
  return ids;
}

}  // namespace

struct Gpg::State {
  Context context;
  Key recipient;
  bool signs = false;
  SecretBytes passphrase;

  static gpgme_error_t answer(void* hook, const char*, const char*, int previous_was_bad, int fd) {
    const auto& state = *static_cast<const State*>(hook);
    // One attempt: a wrong passphrase does not become right.
    if (previous_was_bad != 0) return gpgme_error(GPG_ERR_BAD_PASSPHRASE);
    library().io_writen(fd, state.passphrase.view().data(), state.passphrase.size());
    library().io_writen(fd, "\n", 1);
    return 0;
  }
};

Gpg::Gpg(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gpg::Gpg(Gpg&&) noexcept = default;
Gpg& Gpg::operator=(Gpg&&) noexcept = default;
Gpg::~Gpg() = default;

Result<Gpg, GpgError> Gpg::open(const GpgEngine& engine) {
  if (!library().is_complete) return failed(GpgFailure::no_library);
  if (const auto error = library().engine_check_version(GPGME_PROTOCOL_OpenPGP); error != 0)
    return failed(GpgFailure::no_openpgp, error);
  gpgme_ctx_t context = nullptr;
  if (const auto error = library().make(&context); error != 0) return failed(GpgFailure::context, error);
  auto state = std::make_unique<State>();
  state->context.reset(context);
  if (const auto error = library().set_protocol(context, GPGME_PROTOCOL_OpenPGP); error != 0)
    return failed(GpgFailure::protocol, error);
  const auto error =
      library().ctx_set_engine_info(context, GPGME_PROTOCOL_OpenPGP, or_null(engine.exe), or_null(engine.home_dir));
  if (error != 0) return failed(GpgFailure::no_openpgp, error);
  if (!engine.may_ask) library().set_pinentry_mode(context, GPGME_PINENTRY_MODE_CANCEL);
  return Gpg{std::move(state)};
}

void Gpg::set_passphrase(SecretBytes passphrase) {
  state_->passphrase = std::move(passphrase);
  library().set_pinentry_mode(state_->context.get(), GPGME_PINENTRY_MODE_LOOPBACK);
  library().set_passphrase_cb(state_->context.get(), &State::answer, state_.get());
}

Result<void, GpgError> Gpg::use_key(GpgKeyUse use, const std::string& pattern) {
  gpgme_ctx_t context = state_->context.get();
  const bool wants_secret = use == GpgKeyUse::sign;
  if (const auto error = library().op_keylist_start(context, pattern.c_str(), wants_secret ? 1 : 0); error != 0)
    return failed(GpgFailure::key_list, error);
  const Defer end{[context] { library().op_keylist_end(context); }};
  gpgme_key_t found = nullptr;
  if (const auto error = library().op_keylist_next(context, &found); error != 0)
    return failed(GpgFailure::key_not_found, error);
  Key key{found};
  gpgme_key_t other = nullptr;
  if (library().op_keylist_next(context, &other) == 0) {
    const Key second{other};
    return failed(GpgFailure::key_ambiguous);
  }
  if (use == GpgKeyUse::encrypt) {
    state_->recipient = std::move(key);
    return {};
  }
  if (const auto error = library().signers_add(context, key.get()); error != 0)
    return failed(GpgFailure::add_signer, error);
  state_->signs = true;
  return {};
}

Result<Bytes, GpgError> Gpg::encrypt(ByteView plaintext) {
  const Data in = view_data(plaintext);
  if (!in) return failed(GpgFailure::plaintext_object);
  const Data out = empty_data();
  if (!out) return failed(GpgFailure::ciphertext_object);
  gpgme_key_t recipients[] = {state_->recipient.get(), nullptr};
  const auto operation = state_->signs ? library().op_encrypt_sign : library().op_encrypt;
  const auto error = operation(state_->context.get(), recipients, GPGME_ENCRYPT_ALWAYS_TRUST, in.get(), out.get());
  if (error != 0) return failed(GpgFailure::encrypt, error);
  const SecretBytes output = take_output(out.get());
  return Bytes(output.view().begin(), output.view().end());
}

Result<GpgDecrypted, GpgError> Gpg::decrypt(ByteView ciphertext) {
  const Data in = view_data(ciphertext);
  if (!in) return failed(GpgFailure::ciphertext_object);
  const Data out = empty_data();
  if (!out) return failed(GpgFailure::plaintext_object);
  const auto error = library().op_decrypt_verify(state_->context.get(), in.get(), out.get());
  const auto result = library().op_decrypt_result(state_->context.get());
  if (error != 0) {
    const bool is_unsupported = result != nullptr && result->unsupported_algorithm != nullptr;
    return failed(is_unsupported ? GpgFailure::decrypt_unsupported : GpgFailure::decrypt, error);
  }
  return GpgDecrypted{.plaintext = take_output(out.get()),
                      .signatures = signatures_of(library().op_verify_result(state_->context.get())),
                      .recipients = recipients_of(result)};
}

std::optional<std::string> Gpg::primary_fingerprint(const std::string& fingerprint) {
  gpgme_key_t found = nullptr;
  if (library().get_key(state_->context.get(), fingerprint.c_str(), &found, 0) != 0) return std::nullopt;
  const Key key{found};
  if (key->subkeys == nullptr || key->subkeys->fpr == nullptr) return std::nullopt;
  return key->subkeys->fpr;
}

// NOLINTEND(clang-analyzer-core.CallAndMessage)

}  // namespace latchkey::crypto
